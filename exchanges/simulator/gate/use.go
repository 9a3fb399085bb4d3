package gate

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// balances answers GET /spot/accounts.
func (e *exchange) balances(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	currency := cmp.Or(p.Text("currency"), "USDT")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, http.StatusOK, []any{map[string]any{"currency": currency, "available": "1000", "locked": "0", "update_id": 1}})
}

// order answers the calls that place an order, and reads what they have in
// common: the market and the amount. It accepts the order, and nothing ever
// fills it.
func (e *exchange) order(market, amount string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.JSONParams(c.Body)
		p.Require(market, amount, "price")
		o := venue.Order{ID: venue.RandomNumber(12), ClientID: p.Text("text"), Section: market, Market: p.Text(market), Price: p.Text("price")}
		if market == spotSection {
			o.Side, o.Kind, o.Amount = p.Text("side"), cmp.Or(p.Text("type"), "limit"), p.Text(amount)
			p.Check("side", o.Side == "buy" || o.Side == "sell")
			p.Check(amount, isAmount(o.Amount))
		} else {
			p.Check(amount, p.Integer(amount, 0) != 0)
		}
		p.Check("price", isAmount(o.Price))
		if why := p.Complaint(); why != nil {
			return e.badParameter(c, why)
		}
		c.PlaceOrder(o)
		return e.ok(c, http.StatusCreated, map[string]string{"id": o.ID, "status": "open"})
	}
}

// loan answers POST /margin/uni/loans.
func (e *exchange) loan(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("currency", "type", "amount")
	kind := p.Text("type")
	p.Check("type", kind == "borrow" || kind == "repay")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.done(c)
}

// transfer answers POST /wallet/transfers, between accounts of one user.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("currency", "from", "to", "amount")
	p.Check("to", p.Text("from") != p.Text("to"))
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, http.StatusOK, map[string]any{"tx_id": json.Number(venue.RandomNumber(11))})
}

// withdraw answers POST /withdrawals. No key here has the permission for it.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	return e.forbidden(c, "Operation is forbidden")
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
