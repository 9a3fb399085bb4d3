package simulator

import "strconv"

// spotAccount answers GET /api/v3/account. It describes the account, not the
// calling key.
func (m *mexc) spotAccount(c *call) *answer {
	if why := m.params(c).strictComplaint(); why != nil {
		return m.malformed(why)
	}
	return m.ok(map[string]any{
		"canTrade": true, "canWithdraw": true, "canDeposit": true, "accountType": "SPOT", "permissions": []string{"SPOT"},
		"balances": []any{map[string]string{"asset": "USDT", "free": "1000", "locked": "0"}},
	})
}

// order answers POST /api/v3/order. Like the calls below it accepts what is
// asked, nothing ever fills it, and parameters beyond those checked are
// tolerated: there are many, and none has to do with keys.
func (m *mexc) order(c *call) *answer {
	p := m.params(c)
	p.require("symbol")
	side, kind := p.text("side"), p.text("type")
	p.check("side", side == "BUY" || side == "SELL")
	p.check("type", kind == "MARKET" || kind == "LIMIT")
	p.check("quantity", mexcAmount(p.text("quantity")))
	p.check("price", kind == "MARKET" || mexcAmount(p.text("price")))
	return m.use(c, p, map[string]any{"symbol": p.text("symbol"), "orderId": "C02__" + randomNumber(18), "type": kind, "side": side})
}

// futuresOrder answers an order for futures.
func (m *mexc) futuresOrder(c *call) *answer {
	p := m.params(c)
	p.require("symbol")
	p.check("vol", mexcAmount(p.text("vol")))
	return m.use(c, p, map[string]any{"success": true, "code": 0, "data": randomNumber(18)})
}

// transfer answers POST /api/v3/capital/transfer, between wallets of one
// account.
func (m *mexc) transfer(c *call) *answer {
	p := m.params(c)
	p.require("fromAccountType", "toAccountType", "asset")
	p.check("toAccountType", p.text("fromAccountType") != p.text("toAccountType"))
	p.check("amount", mexcAmount(p.text("amount")))
	return m.use(c, p, []any{map[string]string{"tranId": randomNumber(18)}})
}

// use answers unless something is wrong with the parameters or the account.
func (m *mexc) use(c *call, p *params, done any) *answer {
	switch why := p.complaint(); {
	case why != nil:
		return m.malformed(why)
	case c.key.account.frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	}
	return m.ok(done)
}

func mexcAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
