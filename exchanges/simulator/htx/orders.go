package htx

import (
	"encoding/json"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotSection is the section of orders of the spot API.
const spotSection = "spot"

// ownAccount reports whether an account's number is that of the caller. A user has
// one account here, and it has the user's number.
func ownAccount(c *venue.Call, id string) bool { return id == c.Key.Account.ID }

// balance answers GET /v1/account/accounts/{account}/balance, which any key may read.
func (e *exchange) balance(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Check("account-id", ownAccount(c, c.PathValue("account")))
	if why := p.StrictComplaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return e.done(c, map[string]any{
		"id": uidOf(c.Key.Account), "type": "spot", "state": "working", "list": []any{
			map[string]string{"currency": "usdt", "type": "trade", "balance": "1000"},
			map[string]string{"currency": "usdt", "type": "frozen", "balance": "0"},
		},
	})
}

// openOrders answers GET /v1/order/openOrders, which any key may read.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := e.params(c)
	account, symbol := p.Text("account-id"), p.Text("symbol")
	p.Check("account-id", account == "" || ownAccount(c, account))
	p.Integer("size", 100)
	p.Ignore("side", "types", "from", "direct")
	if why := p.StrictComplaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	rows := []any{}
	for _, o := range c.OpenOrders(spotSection, symbol) {
		rows = append(rows, map[string]any{
			"id": json.Number(o.ID), "client-order-id": o.ClientID, "symbol": o.Market, "account-id": uidOf(c.Key.Account), "type": o.Kind,
			"price": o.Price, "amount": o.Amount, "filled-amount": "0", "filled-cash-amount": "0", "filled-fees": "0", "source": "api",
			"state": "submitted", "created-at": o.Placed.UnixMilli(),
		})
	}
	return e.done(c, rows)
}

// cancelOrder answers POST /v1/order/orders/{order}/submitcancel.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Ignore("symbol")
	if why := p.StrictComplaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	o, found := c.CancelOrder(spotSection, c.PathValue("order"), "")
	if !found {
		return e.bar(c, http.StatusOK, "base-record-invalid", "record invalid")
	}
	return e.done(c, o.ID)
}
