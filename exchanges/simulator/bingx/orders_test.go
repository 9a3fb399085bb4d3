package bingx_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/bingx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, bingx.Venue()), "main")
	trader := venuetest.With(c, c.mint([]int{1, 2, 3}, "127.0.0.1").credential())
	reader := venuetest.With(c, c.mint([]int{2}, "127.0.0.1").credential())
	abroad := venuetest.From(trader, "127.0.0.2")
	order := []string{"symbol", "BTC-USDT", "side", "BUY", "type", "LIMIT", "quantity", "1", "price", "1"}
	type placed struct {
		OrderID json.Number `json:"orderId"`
	}
	var spot placed
	trader.query(http.MethodPost, "spot/v1/trade/order", order...).into(&spot)
	require.NotEmpty(t, spot.OrderID)
	var swap struct{ Order placed }
	trader.query(http.MethodPost, "swap/v2/trade/order", order...).into(&swap)
	require.NotEmpty(t, swap.Order.OrderID)

	list := func(user *client) answer { return user.get("spot/v1/trade/openOrders", "symbol", "BTC-USDT") }
	require.Contains(t, list(reader).Body, spot.OrderID)
	require.NotContains(t, list(reader).Body, swap.Order.OrderID)
	require.Equal(t, 100419, list(abroad).Code)
	cancel := func(user *client) int {
		return user.query(http.MethodPost, "spot/v1/trade/cancel", "symbol", "BTC-USDT", "orderId", spot.OrderID.String()).Code
	}
	require.Equal(t, 100004, cancel(reader))
	require.Equal(t, 100419, cancel(abroad))
	require.Zero(t, cancel(trader))
	require.Equal(t, 80016, cancel(trader))
	require.NotContains(t, list(reader).Body, spot.OrderID)
}
