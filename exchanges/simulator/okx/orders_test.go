package okx_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/okx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	s := venuetest.Unhurried(t, okx.Venue())
	c := newClient(t, s, "main")
	_, mine := c.mint(`"label":"trader","perm":"read_only,trade","ip":"127.0.0.1"`)
	_, watcher := c.mint(`"label":"reader","perm":"read_only"`)
	trader, reader := venuetest.With(c, mine), venuetest.With(c, watcher)
	const order = `{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"1","sz":"1"}`
	const batch, pending, cancel = "/api/v5/trade/batch-orders", "/api/v5/trade/orders-pending", "/api/v5/trade/cancel-order"

	var first, second struct{ OrdID, SCode string }
	trader.post("/api/v5/trade/order", order).one(&first)
	trader.post(batch, "["+order+"]").one(&second)
	require.Equal(t, "0", second.SCode)
	require.Len(t, reader.get(pending+"?instId=BTC-USDT").Data, 2, "of the same account")
	require.Empty(t, reader.get(pending+"?instId=ETH-USDT").Data)
	require.Empty(t, newClient(t, s, "withdraw").get(pending).Data, "another account's")
	for body, code := range map[string]string{"[]": "51000", "{}": "50002", `[{"instId":"BTC-USDT"}]`: "50014"} {
		require.Equal(t, code, trader.post(batch, body).Code, body)
	}
	require.Equal(t, "50120", reader.post(batch, "["+order+"]").Code)

	one := `{"instId":"BTC-USDT","ordId":"` + first.OrdID + `","tag":"a1b2"}`
	require.Equal(t, "50120", reader.post(cancel, one).Code)
	require.Equal(t, "50110", venuetest.From(trader, "127.0.0.2").post(cancel, one).Code)
	require.Equal(t, "50110", venuetest.From(trader, "127.0.0.2").get(pending).Code)
	require.Equal(t, "0", trader.post(cancel, one).Code)
	gone := trader.post(cancel, one)
	require.Equal(t, "1", gone.Code)
	require.Contains(t, string(gone.Data[0]), `"sCode":"51400"`)
	require.Len(t, trader.get(pending).Data, 1)
}
