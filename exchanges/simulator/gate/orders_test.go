package gate_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/gate"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t, venuetest.Unhurried(t, gate.Venue()), "main")
	mint := func(name, readOnly string) *client {
		_, minted := c.mint(`{"name":"` + name + `","ip_whitelist":["127.0.0.1"],"perms":[{"name":"spot","read_only":` + readOnly + `}]}`)
		return venuetest.With(c, minted)
	}
	trader, reader := mint("trader", "false"), mint("reader", "true")
	var placed struct{ ID, Text string }
	trader.call(http.MethodPost, "/spot/orders",
		`{"currency_pair":"BTC_USDT","side":"buy","amount":"1","price":"1","text":"t-mine"}`).into(&placed)
	var groups []struct {
		CurrencyPair string `json:"currency_pair"`
		Total        int
		Orders       []struct{ ID, Text, Status string }
	}
	reader.call(http.MethodGet, "/spot/open_orders", "").into(&groups)
	require.Len(t, groups, 1)
	require.Equal(t, "BTC_USDT", groups[0].CurrencyPair)
	require.Equal(t, 1, groups[0].Total)
	require.Equal(t, placed.ID, groups[0].Orders[0].ID)
	require.Equal(t, "t-mine", groups[0].Orders[0].Text)
	abroad := venuetest.From(trader, "127.0.0.2")
	require.Equal(t, "FORBIDDEN", abroad.call(http.MethodGet, "/spot/open_orders", "").Label)

	var orders []struct{ ID string }
	reader.call(http.MethodGet, "/spot/orders?currency_pair=BTC_USDT&status=open", "").into(&orders)
	require.Equal(t, placed.ID, orders[0].ID)
	for _, none := range []string{"currency_pair=ETH_USDT&status=open", "currency_pair=BTC_USDT&status=finished"} {
		reader.call(http.MethodGet, "/spot/orders?"+none, "").into(&orders)
		require.Empty(t, orders, none)
	}
	require.Equal(t, "INVALID_PARAM_VALUE", reader.call(http.MethodGet, "/spot/orders?currency_pair=BTC_USDT&status=all", "").Label)
	require.Equal(t, "MISSING_REQUIRED_PARAM", reader.call(http.MethodGet, "/spot/orders?currency_pair=BTC_USDT", "").Label)
	require.Equal(t, "FORBIDDEN", abroad.call(http.MethodGet, "/spot/orders?currency_pair=BTC_USDT&status=open", "").Label)

	one := "/spot/orders/" + placed.ID + "?currency_pair=BTC_USDT"
	require.Equal(t, "READ_ONLY", reader.call(http.MethodDelete, one, "").Label)
	require.Equal(t, "FORBIDDEN", abroad.call(http.MethodDelete, one, "").Label)
	require.Equal(t, "MISSING_REQUIRED_PARAM", trader.call(http.MethodDelete, "/spot/orders/"+placed.ID, "").Label)
	require.Equal(t, http.StatusOK, trader.call(http.MethodDelete, "/spot/orders/t-mine?currency_pair=BTC_USDT", "").StatusCode)
	require.Equal(t, "ORDER_NOT_FOUND", trader.call(http.MethodDelete, one, "").Label)
	trader.call(http.MethodGet, "/spot/open_orders", "").into(&groups)
	require.Empty(t, groups)
}
