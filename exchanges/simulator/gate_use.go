package simulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
)

// balances answers GET /spot/accounts.
func (g *gate) balances(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	currency := cmp.Or(p.text("currency"), "USDT")
	if why := p.strictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	return g.ok(c, http.StatusOK, []any{map[string]any{"currency": currency, "available": "1000", "locked": "0", "update_id": 1}})
}

// order answers the calls that place an order, as far as they agree: in which
// market, and how much. It accepts the order, and nothing ever fills it.
func (g *gate) order(market, amount string) func(*call) *answer {
	return func(c *call) *answer {
		p := jsonParams(c.body)
		p.require(market, amount, "price")
		p.text(market)
		if market == "currency_pair" {
			side := p.text("side")
			p.check("side", side == "buy" || side == "sell")
			p.check(amount, gateAmount(p.text(amount)))
		} else {
			p.check(amount, p.integer(amount, 0) != 0)
		}
		p.check("price", gateAmount(p.text("price")))
		if why := p.complaint(); why != nil {
			return g.badParameter(c, why)
		}
		return g.ok(c, http.StatusCreated, map[string]string{"id": randomNumber(12), "status": "open"})
	}
}

// loan answers POST /margin/uni/loans.
func (g *gate) loan(c *call) *answer {
	p := jsonParams(c.body)
	p.require("currency", "type", "amount")
	kind := p.text("type")
	p.check("type", kind == "borrow" || kind == "repay")
	p.check("amount", gateAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return g.badParameter(c, why)
	}
	return g.done(c)
}

// transfer answers POST /wallet/transfers, between accounts of one user.
func (g *gate) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("currency", "from", "to", "amount")
	p.check("to", p.text("from") != p.text("to"))
	p.check("amount", gateAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return g.badParameter(c, why)
	}
	return g.ok(c, http.StatusOK, map[string]any{"tx_id": json.Number(randomNumber(11))})
}

// withdraw answers POST /withdrawals, for which no key here has a permission.
func (g *gate) withdraw(c *call) *answer { return g.forbidden(c, "Operation is forbidden") }

func gateAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
