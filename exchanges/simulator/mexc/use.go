package mexc

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotAccount answers GET /api/v3/account. It describes the account, not the
// calling key.
func (m *mexc) spotAccount(c *venue.Call) *venue.Answer {
	if why := m.params(c).StrictComplaint(); why != nil {
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
func (m *mexc) order(c *venue.Call) *venue.Answer {
	p := m.params(c)
	p.Require("symbol")
	side, kind := p.Text("side"), p.Text("type")
	p.Check("side", side == "BUY" || side == "SELL")
	p.Check("type", kind == "MARKET" || kind == "LIMIT")
	p.Check("quantity", mexcAmount(p.Text("quantity")))
	p.Check("price", kind == "MARKET" || mexcAmount(p.Text("price")))
	return m.use(c, p, map[string]any{"symbol": p.Text("symbol"), "orderId": "C02__" + venue.RandomNumber(18), "type": kind, "side": side})
}

// futuresOrder answers an order for futures.
func (m *mexc) futuresOrder(c *venue.Call) *venue.Answer {
	p := m.params(c)
	p.Require("symbol")
	p.Check("vol", mexcAmount(p.Text("vol")))
	return m.use(c, p, map[string]any{"success": true, "code": 0, "data": venue.RandomNumber(18)})
}

// transfer answers POST /api/v3/capital/transfer, between wallets of one
// account.
func (m *mexc) transfer(c *venue.Call) *venue.Answer {
	p := m.params(c)
	p.Require("fromAccountType", "toAccountType", "asset")
	p.Check("toAccountType", p.Text("fromAccountType") != p.Text("toAccountType"))
	p.Check("amount", mexcAmount(p.Text("amount")))
	return m.use(c, p, []any{map[string]string{"tranId": venue.RandomNumber(18)}})
}

// use answers unless something is wrong with the parameters or the account.
func (m *mexc) use(c *venue.Call, p *venue.Params, done any) *venue.Answer {
	switch why := p.Complaint(); {
	case why != nil:
		return m.malformed(why)
	case c.Key.Account.Frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	}
	return m.ok(done)
}

func mexcAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
