package deribit_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/deribit"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// The methods are documented as GET with query parameters, numbers among them.
func TestTradingDay(t *testing.T) {
	s := venuetest.Unhurried(t, deribit.Venue())
	minter := newClient(t, s, "main").minter()
	trader := minter.holding(minter.create(`{"max_scope":"account:read trade:read_write"}`))
	reader := minter.holding(minter.create(`{"max_scope":"trade:read"}`))
	var account struct {
		Summaries []struct{ Currency string }
	}
	trader.get("private/get_account_summaries", "extended=true").into(&account)
	require.Len(t, account.Summaries, 2)
	reader.get("private/get_account_summaries", "").refused(13021)

	for _, direction := range []string{"buy", "sell"} {
		var placed struct {
			Order struct {
				OrderID string `json:"order_id"`
				Price   float64
				Amount  float64
			}
		}
		const order = "instrument_name=BTC-PERPETUAL&amount=0.5&type=limit&price=20000.5"
		trader.get("private/"+direction, order).into(&placed)
		require.InDelta(t, 20000.5, placed.Order.Price, 0)
		require.InDelta(t, 0.5, placed.Order.Amount, 0)
		reader.get("private/"+direction, order).refused(13021)
		for _, wrong := range []string{"amount=much", "amount=NaN", "amount=-1", "amount="} {
			trader.get("private/"+direction, "instrument_name=BTC-PERPETUAL&type=market&"+wrong).refused(-32602)
		}

		for _, list := range []string{"by_instrument?instrument_name=BTC-PERPETUAL", "by_currency?currency=BTC"} {
			require.Contains(t, reader.do("GET", "/api/v2/private/get_open_orders_"+list, "").Body, `"order_id":"`+placed.Order.OrderID+`"`)
		}
		require.NotContains(t, reader.get("private/get_open_orders_by_currency", "currency=ETH").Body, `"order_id":"`+placed.Order.OrderID+`"`)
		cancel := "order_id=" + url.QueryEscape(placed.Order.OrderID)
		reader.get("private/cancel", cancel).refused(13021)
		trader.get("private/cancel", cancel).ok()
		trader.get("private/cancel", cancel).refused(10004)
		require.NotContains(t, reader.get("private/get_open_orders_by_currency", "currency=BTC").Body, `"order_id":"`+placed.Order.OrderID+`"`)
	}
}

// A key that is switched off is unknown until it is switched on again.
func TestDisabledKey(t *testing.T) {
	minter := newClient(t, venuetest.Unhurried(t, deribit.Venue()), "main").minter()
	k := minter.create(`{"max_scope":"trade:read"}`)
	user := minter.holding(k)
	edit := func(enabled string) string {
		return minter.call("private/edit_api_key", `{"id":`+strconv.Itoa(k.ID)+`,"max_scope":"trade:read","enabled":`+enabled+`}`).Body
	}
	require.Contains(t, edit("false"), `"enabled":false`)
	user.call("private/get_positions", `{}`).refused(13004)
	require.Contains(t, edit("true"), `"enabled":true`)
	user.call("private/get_positions", `{}`).ok()
	require.Contains(t, edit(`"yes"`), "-32602")
}
