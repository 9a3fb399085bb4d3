package coinex_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/coinex"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, coinex.Venue()), "main")
	trader, reader := c.with(c.mint(true, "127.0.0.1")), c.with(c.mint(false))
	abroad := venuetest.From(trader, "127.0.0.2")
	for market, api := range map[string]string{"SPOT": "/v2/spot/", "FUTURES": "/v2/futures/"} {
		var placed struct {
			OrderID json.Number `json:"order_id"`
		}
		trader.post(api+"order", fields{
			"market": "BTCUSDT", "market_type": market, "side": "buy", "type": "limit", "amount": "1", "price": "1",
		}).into(&placed)
		list := api + "pending-order?market=BTCUSDT&market_type=" + market
		require.Contains(t, reader.get(list).Body, placed.OrderID)
		require.Equal(t, 4007, abroad.get(list).Code)
		require.Equal(t, 3639, reader.get(api+"pending-order?market_type=OTHER").Code)
		one := fields{"market": "BTCUSDT", "market_type": market, "order_id": placed.OrderID}
		require.Equal(t, 4115, reader.post(api+"cancel-order", one).Code)
		require.Equal(t, 4007, abroad.post(api+"cancel-order", one).Code)
		require.Zero(t, trader.post(api+"cancel-order", one).Code)
		require.Equal(t, 3600, trader.post(api+"cancel-order", one).Code)
		require.NotContains(t, reader.get(list).Body, placed.OrderID)
	}
}
