package bitfinex

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// wallets answers POST /v2/auth/r/wallets.
func (e *exchange) wallets(c *venue.Call) *venue.Answer {
	return e.read(c, []any{"exchange", "UST", 1000, 0, 1000, nil, nil})
}

// orders answers POST /v2/auth/r/orders. There are never any.
func (e *exchange) orders(c *venue.Call) *venue.Answer { return e.read(c) }

// read answers with rows unless something is wrong with the request.
func (e *exchange) read(c *venue.Call, rows ...any) *venue.Answer {
	if why := venue.JSONParams(c.Body).StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	return e.ok(append([]any{}, rows...))
}

// submitOrder answers POST /v2/auth/w/order/submit: an order is spot if its
// type begins with EXCHANGE, for derivatives if its symbol says so, and on
// margin otherwise. Like the calls below it accepts what is asked, and nothing
// ever fills it. It tolerates parameters that it does not check: there are
// many, and none concerns tokens.
func (e *exchange) submitOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("type", "symbol")
	p.Check("amount", isAmount(p.Text("amount")))
	return e.done(c, p, "on-req")
}

// transfer answers POST /v2/auth/w/transfer, between wallets of the account.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("from", "to", "currency")
	p.Check("to", p.Text("from") != p.Text("to"))
	p.Check("amount", isAmount(p.Text("amount")))
	return e.done(c, p, "acc_tf")
}

// withdraw answers POST /v2/auth/w/withdraw.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("wallet", "method", "address")
	p.Check("amount", isAmount(p.Text("amount")))
	return e.done(c, p, "acc_wd-req")
}

// done answers with a notification unless something is wrong with the
// parameters.
func (e *exchange) done(c *venue.Call, p *venue.Params, kind string) *venue.Answer {
	if why := p.Complaint(); why != nil {
		return e.malformed(why)
	}
	return e.ok([]any{c.Now.UnixMilli(), kind, nil, nil, []any{}, nil, "SUCCESS", ""})
}

// isAmount reports whether a text is an amount. The amount of a sale is
// negative.
func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount != 0
}
