package binance_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/binance"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, binance.Venue()), "main")
	trader := venuetest.With(c, c.mint("status", "2", "ipAddress", "127.0.0.1", "canTrade", "true").credential())
	reader := venuetest.With(c, c.mint("status", "1", "canMarginLoanRepay", "true").credential())
	type order struct {
		OrderID       int64
		ClientOrderID string
		Symbol        string
		Price         string
		Status        string
	}
	var placed order
	trader.call(http.MethodPost, "/api/v3/order", "symbol", "BTCUSDT", "side", "BUY", "type", "LIMIT", "quantity", "1", "price", "20000",
		"timeInForce", "GTC", "newClientOrderId", "mine").into(&placed)
	open := func(user *client, pairs ...string) (orders []order) {
		user.call(http.MethodGet, "/api/v3/openOrders", pairs...).into(&orders)
		return orders
	}
	require.Equal(t, []order{{placed.OrderID, "mine", "BTCUSDT", "20000", "NEW"}}, open(trader, "symbol", "BTCUSDT"))
	require.Len(t, open(reader), 1, "any key of the account may read")
	require.Empty(t, open(trader, "symbol", "ETHUSDT"))
	require.Empty(t, open(c), "another account's")
	abroad := venuetest.From(trader, "127.0.0.2")
	abroad.call(http.MethodGet, "/api/v3/openOrders").refused(401, -2015)

	one := []string{"symbol", "BTCUSDT", "orderId", strconv.FormatInt(placed.OrderID, 10)}
	reader.call(http.MethodDelete, "/api/v3/order", one...).refused(401, -2015)
	abroad.call(http.MethodDelete, "/api/v3/order", one...).refused(401, -2015)
	trader.call(http.MethodDelete, "/api/v3/order", "symbol", "BTCUSDT").refused(400, -1130)
	trader.call(http.MethodDelete, "/api/v3/order", "symbol", "BTCUSDT", "origClientOrderId", "mine").into(&placed)
	require.Equal(t, "CANCELED", placed.Status)
	trader.call(http.MethodDelete, "/api/v3/order", one...).refused(400, -2011)
	require.Empty(t, open(trader))
}
