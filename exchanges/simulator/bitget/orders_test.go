package bitget_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/bitget"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	s := venuetest.Unhurried(t, bitget.Venue())
	for _, test := range []struct {
		root, create          string
		trade, read           map[string]any
		place, list, cancel   string
		noOrder, noPermission string
	}{
		{
			"main", unifiedCreate,
			map[string]any{"type": "read_write", "permissions": []string{"uta_trade"}}, map[string]any{"type": "read_only", "permissions": []string{"uta_trade"}},
			"/api/v3/trade/place-order", "/api/v3/trade/unfilled-orders?category=SPOT", "/api/v3/trade/cancel-order", "25204", "25620",
		},
		{
			"broker", brokerCreate, map[string]any{"permType": "read_and_write"}, nil,
			"/api/v2/spot/trade/place-order", "/api/v2/spot/trade/unfilled-orders", "/api/v2/spot/trade/cancel-order", "43001", "40014",
		},
	} {
		c := newClient(t, s, test.root)
		_, mine := c.mint(test.create, test.trade)
		_, watcher := c.mint(test.create, test.read)
		trader, reader := venuetest.With(c, mine), venuetest.With(c, watcher)
		var placed struct{ OrderID, ClientOID string }
		trader.post(test.place, map[string]any{
			"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "1", "qty": "1", "size": "1",
		}).into(&placed)
		require.Contains(t, reader.get(test.list).Body, placed.OrderID, test.root)
		require.Equal(t, "40018", venuetest.From(trader, "127.0.0.2").get(test.list).Code)
		one := map[string]any{"symbol": "BTCUSDT", "orderId": placed.OrderID}
		require.Equal(t, test.noPermission, reader.post(test.cancel, one).Code, test.root)
		require.Equal(t, "40018", venuetest.From(trader, "127.0.0.2").post(test.cancel, one).Code)
		require.Equal(t, "00000", trader.post(test.cancel, one).Code, test.root)
		require.Equal(t, test.noOrder, trader.post(test.cancel, one).Code, test.root)
		require.NotContains(t, reader.get(test.list).Body, placed.OrderID, test.root)
	}
}
