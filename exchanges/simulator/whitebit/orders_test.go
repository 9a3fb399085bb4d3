package whitebit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
	"vault-plugin-secrets-exchange/exchanges/simulator/whitebit"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, whitebit.Venue()), "main")
	key, minted := c.mint("lease1")
	user := venuetest.With(c, minted)
	var placed struct{ OrderID json.Number }
	user.call("order/new", `"market":"BTC_USDT","side":"buy","amount":"1","price":"1","clientOrderId":"ours"`).into(&placed)
	for _, parameters := range []string{`"market":"BTC_USDT"`, `"orderId":` + placed.OrderID.String(), `"clientOrderId":"ours"`} {
		require.Contains(t, user.call("orders", parameters).Body, placed.OrderID)
	}
	require.Equal(t, "[]", user.call("orders", `"market":"ETH_USDT"`).Body)

	one := `"market":"BTC_USDT","orderId":` + placed.OrderID.String()
	enable := func(on string) {
		urls := `[{"url":"/api/v4/order/cancel","enable":` + on + `},{"url":"/api/v4/orders","enable":` + on + `}]`
		require.Equal(t, http.StatusOK, c.call(keysPath+"edit", `"apiKeyId":"`+key.ID+`","title":"lease1","urls":`+urls).StatusCode)
	}
	enable("false")
	require.Equal(t, http.StatusForbidden, user.call("orders", `"market":"BTC_USDT"`).StatusCode)
	require.Equal(t, http.StatusForbidden, user.call("order/cancel", one).StatusCode)
	enable("true")
	require.Equal(t, http.StatusOK, user.call("order/cancel", one).StatusCode)
	gone := user.call("order/cancel", one)
	require.Equal(t, http.StatusUnprocessableEntity, gone.StatusCode)
	require.Equal(t, 2, gone.Code)
	require.Equal(t, "[]", user.call("orders", `"market":"BTC_USDT"`).Body)
	require.Contains(t, user.call("order/cancel", `"market":"BTC_USDT"`).Errors, "orderId")
}
