package mexc_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/mexc"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, mexc.Venue()), "main")
	trader := venuetest.With(c, c.mint("permissions", "SPOT_DEAL_READ,SPOT_DEAL_WRITE", "ip", "127.0.0.1").credential())
	reader := venuetest.With(c, c.mint("permissions", "SPOT_DEAL_READ").credential())
	blind := venuetest.With(c, c.mint("permissions", "SPOT_ACCOUNT_READ").credential())
	var placed struct{ OrderID string }
	trader.call(http.MethodPost, "/api/v3/order", "symbol", "BTCUSDT", "side", "BUY", "type", "LIMIT", "quantity", "1", "price", "1").into(&placed)
	list := func(user *client) answer { return user.call(http.MethodGet, "/api/v3/openOrders", "symbol", "BTCUSDT") }
	require.Contains(t, list(reader).Body, placed.OrderID)
	require.Equal(t, 700007, list(blind).Code)
	abroad := venuetest.From(trader, "127.0.0.2")
	require.Equal(t, 700006, list(abroad).Code)
	require.Equal(t, 730002, reader.call(http.MethodGet, "/api/v3/openOrders").Code, "a symbol is needed")

	cancel := func(user *client) int {
		return user.call(http.MethodDelete, "/api/v3/order", "symbol", "BTCUSDT", "orderId", placed.OrderID).Code
	}
	require.Equal(t, 700007, cancel(reader))
	require.Equal(t, 700006, cancel(abroad))
	require.Zero(t, cancel(trader))
	require.Equal(t, -2011, cancel(trader))
	require.NotContains(t, list(reader).Body, placed.OrderID)
}
