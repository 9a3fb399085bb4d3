package bybit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestTradingDay(t *testing.T) {
	s := venuetest.Unhurried(t, bybit.Venue())
	c := newClient(t, s, "main")
	holding := func(subAccount, fields string) *client { return venuetest.With(c, c.mint(subAccount, fields)) }
	spot := holding(c.SubAccounts[0], `"permissions":{"Spot":["SpotTrade"]}`)
	contracts := holding(c.SubAccounts[0], `"permissions":{"ContractTrade":["Order"]}`)
	neighbour := holding(c.SubAccounts[1], `"permissions":{"Spot":["SpotTrade"]}`)
	elsewhere := holding(c.SubAccounts[0], `"ips":"192.0.2.1","permissions":{"Spot":["SpotTrade"]}`)

	var account struct {
		UnifiedMarginStatus int `json:"unifiedMarginStatus"`
	}
	spot.get("/v5/account/info", "").into(&account)
	require.Equal(t, 6, account.UnifiedMarginStatus)

	type order struct {
		OrderID     string `json:"orderId"`
		OrderLinkID string `json:"orderLinkId"`
		Symbol      string `json:"symbol"`
		Price       string `json:"price"`
		OrderStatus string `json:"orderStatus"`
	}
	open := func(c *client, query string) []order {
		var page struct {
			List []order `json:"list"`
		}
		c.get("/v5/order/realtime", query).into(&page)
		require.NotNil(t, page.List)
		return page.List
	}
	var placed order
	spot.post("/v5/order/create",
		`{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01","price":"20000","orderLinkId":"mine"}`).into(&placed)
	want := []order{{placed.OrderID, "mine", "BTCUSDT", "20000", "New"}}
	require.Equal(t, want, open(spot, "category=spot&symbol=BTCUSDT"))
	require.Equal(t, want, open(spot, "category=spot&orderLinkId=mine"))
	require.Empty(t, open(spot, "category=spot&symbol=ETHUSDT"))
	require.Empty(t, open(neighbour, "category=spot"), "another account's")
	require.Equal(t, 10005, contracts.get("/v5/order/realtime", "category=spot").RetCode)
	require.Empty(t, open(contracts, "category=linear&settleCoin=USDT"))
	require.Equal(t, 10001, contracts.get("/v5/order/realtime", "category=linear").RetCode)
	require.Equal(t, 10010, elsewhere.get("/v5/order/realtime", "category=spot").RetCode)

	cancel := func(c *client, category, name string) int {
		return c.post("/v5/order/cancel", `{"category":"`+category+`","symbol":"BTCUSDT",`+name+`}`).RetCode
	}
	byID := `"orderId":"` + placed.OrderID + `"`
	require.Equal(t, 10005, cancel(contracts, "spot", byID))
	require.Equal(t, 10010, cancel(elsewhere, "spot", byID))
	require.Equal(t, 170213, cancel(neighbour, "spot", byID))
	require.Equal(t, 110001, cancel(contracts, "linear", byID))
	require.Equal(t, 10001, cancel(spot, "spot", `"orderId":""`))
	require.Equal(t, 0, cancel(spot, "spot", `"orderLinkId":"mine"`))
	require.Equal(t, 170213, cancel(spot, "spot", byID), "it is gone")
	require.Empty(t, open(spot, "category=spot"))
}
