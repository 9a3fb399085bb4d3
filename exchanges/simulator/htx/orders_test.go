package htx_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/htx"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, htx.Venue()), "main")
	reader := venuetest.With(c, c.mint(`"note":"reader","permission":"readOnly"`).credential())
	trader := venuetest.With(c, c.mint(`"note":"trader","permission":"readOnly,trade","ipAddresses":"127.0.0.1"`).credential())
	account := c.SubAccounts[0]
	require.Equal(t, "ok", reader.get("/v1/account/accounts/"+account+"/balance").outcome())
	require.Equal(t, "invalid-parameter", reader.get("/v1/account/accounts/1/balance").outcome(), "another's")

	var id string
	placed := trader.post("/v1/order/orders/place", `{"account-id":"`+account+`","symbol":"btcusdt","type":"buy-limit","amount":"1","price":"1"}`)
	require.NoError(t, json.Unmarshal(placed.Data, &id))
	list := func(user *client) answer {
		return user.get("/v1/order/openOrders", "account-id", account, "symbol", "btcusdt")
	}
	require.Contains(t, list(reader).Body, id)
	require.Equal(t, "invalid-parameter", reader.get("/v1/order/openOrders", "account-id", "1").outcome())
	abroad := venuetest.From(trader, "127.0.0.2")
	require.Equal(t, "api-signature-not-valid", list(abroad).outcome())
	cancel := func(user *client) string { return user.post("/v1/order/orders/"+id+"/submitcancel", `{}`).outcome() }
	require.Equal(t, "api-signature-not-valid", cancel(reader))
	require.Equal(t, "api-signature-not-valid", cancel(abroad))
	require.Equal(t, "ok", cancel(trader))
	require.Equal(t, "base-record-invalid", cancel(trader))
	require.NotContains(t, list(reader).Body, id)
}
