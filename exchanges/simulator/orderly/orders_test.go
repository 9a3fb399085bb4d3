package orderly

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTradingDay(t *testing.T) {
	c := newClient(t)
	subs := c.Exchange("orderly").SubAccounts
	trading, reading := c.pair(), c.pair()
	require.Zero(t, c.add(c.message(trading, "read,trading", subs[0])).Code)
	require.Zero(t, c.add(c.message(reading, "read", subs[0])).Code)
	trader, reader, main := c.as(trading, subs[0]), c.as(reading, subs[0]), c.forAccount(subs[1])

	var placed struct {
		OrderID json.Number `json:"order_id"`
	}
	answer := trader.post("/v1/order", `{"symbol":"PERP_BTC_USDC","order_type":"LIMIT","side":"BUY","order_price":20000,"order_quantity":0.01}`)
	require.NoError(t, json.Unmarshal(answer.Data, &placed))
	const list = "/v1/orders?status=INCOMPLETE&size=500&symbol=PERP_BTC_USDC"
	require.Contains(t, string(reader.get(list).Data), placed.OrderID)
	require.NotContains(t, string(main.get(list).Data), placed.OrderID, "another account's")
	require.Equal(t, invalid, reader.get("/v1/orders?size=501").Code)

	one := "/v1/order?order_id=" + placed.OrderID.String() + "&symbol=PERP_BTC_USDC"
	require.Equal(t, unauthorized, reader.call(http.MethodDelete, one, "").Code)
	require.Equal(t, missing, main.call(http.MethodDelete, one, "").Code)
	require.Zero(t, c.forAccount(subs[0]).post("/v1/client/set_orderly_key_ip_restriction",
		fmt.Sprintf(`{"orderly_key":%q,"ip_restriction_list":"203.0.113.7"}`, textOf(trading))).Code)
	require.Equal(t, unauthorized, trader.call(http.MethodDelete, one, "").Code)
	require.Zero(t, c.forAccount(subs[0]).post("/v1/client/set_orderly_key_ip_restriction",
		fmt.Sprintf(`{"orderly_key":%q,"ip_restriction_list":"127.0.0.1"}`, textOf(trading))).Code)
	require.Zero(t, trader.call(http.MethodDelete, one, "").Code)
	require.Equal(t, missing, trader.call(http.MethodDelete, one, "").Code)
	require.NotContains(t, string(reader.get(list).Data), placed.OrderID)
}
