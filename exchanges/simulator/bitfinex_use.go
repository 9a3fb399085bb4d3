package simulator

import "strconv"

// wallets answers POST /v2/auth/r/wallets.
func (b *bitfinex) wallets(c *call) *answer {
	return b.read(c, []any{"exchange", "UST", 1000, 0, 1000, nil, nil})
}

// orders answers POST /v2/auth/r/orders: there never is one.
func (b *bitfinex) orders(c *call) *answer { return b.read(c) }

// read answers with rows unless something is wrong with the request.
func (b *bitfinex) read(c *call, rows ...any) *answer {
	if why := jsonParams(c.body).strictComplaint(); why != nil {
		return b.malformed(why)
	}
	return b.ok(append([]any{}, rows...))
}

// submitOrder answers POST /v2/auth/w/order/submit: spot orders by a type that
// begins with EXCHANGE, margin orders by any other, and derivatives by their
// symbol. Like the calls below it accepts what is asked, nothing ever fills it,
// and parameters beyond those checked are tolerated: there are many, and none
// has to do with tokens.
func (b *bitfinex) submitOrder(c *call) *answer {
	p := jsonParams(c.body)
	p.require("type", "symbol")
	p.check("amount", bitfinexAmount(p.text("amount")))
	return b.done(c, p, "on-req")
}

// transfer answers POST /v2/auth/w/transfer, between wallets of the account.
func (b *bitfinex) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("from", "to", "currency")
	p.check("to", p.text("from") != p.text("to"))
	p.check("amount", bitfinexAmount(p.text("amount")))
	return b.done(c, p, "acc_tf")
}

// withdraw answers POST /v2/auth/w/withdraw.
func (b *bitfinex) withdraw(c *call) *answer {
	p := jsonParams(c.body)
	p.require("wallet", "method", "address")
	p.check("amount", bitfinexAmount(p.text("amount")))
	return b.done(c, p, "acc_wd-req")
}

// done answers with a notification unless something is wrong with the
// parameters.
func (b *bitfinex) done(c *call, p *params, kind string) *answer {
	if why := p.complaint(); why != nil {
		return b.malformed(why)
	}
	return b.ok([]any{c.now.UnixMilli(), kind, nil, nil, []any{}, nil, "SUCCESS", ""})
}

// bitfinexAmount tells whether a text is an amount; that of a sale is negative.
func bitfinexAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount != 0
}
