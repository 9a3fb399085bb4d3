package kucoin_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/kucoin"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, kucoin.Venue()), "main")
	_, mine := c.mint(`"remark":"all","permission":"General,Spot","ipWhitelist":"127.0.0.1"`)
	_, watcher := c.mint(`"remark":"reader"`)
	trader, reader := venuetest.With(c, mine), venuetest.With(c, watcher)
	var mode struct{ SelfAccountMode string }
	reader.get("/api/ua/v1/account/mode").into(&mode)
	require.Equal(t, "CLASSIC", mode.SelfAccountMode)
	var opened bool
	reader.get("/api/v1/hf/accounts/opened").into(&opened)
	require.True(t, opened)

	const order = `{"clientOid":"x1","symbol":"BTC-USDT","side":"buy","type":"limit","price":"1","size":"1"}`
	for name, api := range map[string]struct{ place, list, cancel, query string }{
		"current":    {"/api/v1/hf/orders", "/api/v1/hf/orders/active?symbol=BTC-USDT", "/api/v1/hf/orders/", "?symbol=BTC-USDT"},
		"deprecated": {"/api/v1/orders", "/api/v1/orders?status=active&symbol=BTC-USDT&tradeType=TRADE", "/api/v1/orders/", ""},
	} {
		var placed struct{ OrderID string }
		trader.post(api.place, order).into(&placed)
		require.Contains(t, reader.get(api.list).Body, placed.OrderID, name)
		require.Equal(t, "400006", venuetest.From(trader, "127.0.0.2").get(api.list).Code)
		remove := func(user *client) string {
			return user.do(user.signed(http.MethodDelete, api.cancel+placed.OrderID+api.query, "")).Code
		}
		require.Equal(t, "400007", remove(reader), name)
		require.Equal(t, "400006", remove(venuetest.From(trader, "127.0.0.2")), name)
		require.Equal(t, "200000", remove(trader), name)
		require.Equal(t, "400100", remove(trader), name)
		require.NotContains(t, reader.get(api.list).Body, placed.OrderID, name)
	}
	require.Equal(t, "400100", reader.get("/api/v1/hf/orders/active").Code, "a symbol is needed")
	require.Equal(t, "400100", reader.get("/api/v1/orders?status=other").Code)
}
