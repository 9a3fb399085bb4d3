package coinex

import (
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mayRead permits keys of accounts that are not frozen.
func (e *exchange) mayRead(c *venue.Call) *venue.Answer {
	switch {
	case c.Key.Account.Frozen:
		return e.refuse(c, frozenAccount, "The sub-account is frozen.")
	case !c.Key.Has(read):
		return e.refuse(c, noPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

// mayTrade permits keys for which trading is on.
func (e *exchange) mayTrade(c *venue.Call) *venue.Answer {
	if !c.Key.Has(trade) {
		return e.refuse(c, noTrading, "User prohibited from trading")
	}
	return e.mayRead(c)
}

// mayWithdraw permits keys that can withdraw.
func (e *exchange) mayWithdraw(c *venue.Call) *venue.Answer {
	if !c.Key.Has(withdraw) {
		return e.refuse(c, noPermission, "Withdrawals are not enabled for the key.")
	}
	return e.mayRead(c)
}

// balance answers GET /v2/assets/spot/balance.
func (e *exchange) balance(c *venue.Call) *venue.Answer {
	if why := venue.FormParams(c.URL.RawQuery).StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	return e.ok(c, []map[string]string{{"ccy": "USDT", "available": "1000", "frozen": "0"}})
}

// order reads what all orders have in common. Like the calls below it accepts
// what is asked, and nothing ever fills it. It tolerates parameters that it
// does not check: there are many, and none concerns keys.
func (e *exchange) order(c *venue.Call, types ...string) (*venue.Params, string) {
	p := venue.JSONParams(c.Body)
	p.Require("market", "market_type", "side", "type", "amount")
	p.Text("market")
	marketType, side, kind := p.Text("market_type"), p.Text("side"), p.Text("type")
	p.Check("market_type", slices.Contains(types, marketType))
	p.Check("side", side == "buy" || side == "sell")
	p.Check("type", kind == "limit" || kind == "market")
	p.Check("amount", isAmount(p.Text("amount")))
	if kind == "limit" {
		p.Check("price", isAmount(p.Text("price")))
	}
	return p, marketType
}

// spotOrder answers POST /v2/spot/order, also for margin.
func (e *exchange) spotOrder(c *venue.Call) *venue.Answer {
	p, marketType := e.order(c, spot, margin)
	if marketType == margin && !e.has(c.Key.Account, margin) {
		return e.refuse(c, noPermission, "Insufficient sub-account permissions, please check.")
	}
	return e.accept(c, p)
}

// futuresOrder answers POST /v2/futures/order.
func (e *exchange) futuresOrder(c *venue.Call) *venue.Answer {
	p, _ := e.order(c, futures)
	if !e.has(c.Key.Account, futures) {
		return e.refuse(c, noFutures, "Futures trading prohibited")
	}
	return e.accept(c, p)
}

func (e *exchange) accept(c *venue.Call, p *venue.Params) *venue.Answer {
	if why := p.Complaint(); why != nil {
		return e.malformed(c, why)
	}
	o := venue.Order{
		ID: venue.RandomNumber(11), ClientID: p.Text("client_id"), Section: p.Text("market_type"), Market: p.Text("market"),
		Side: p.Text("side"), Kind: p.Text("type"), Price: p.Text("price"), Amount: p.Text("amount"), Placed: c.Now,
	}
	c.PlaceOrder(o)
	return e.ok(c, orderView(o))
}

// transfer answers POST /v2/assets/transfer, between the accounts of one user.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	wallets := []string{spot, margin, futures}
	from, to := p.Text("from_account_type"), p.Text("to_account_type")
	p.Require("ccy")
	p.Check("from_account_type", slices.Contains(wallets, from))
	p.Check("to_account_type", slices.Contains(wallets, to) && to != from)
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.malformed(c, why)
	}
	return e.ok(c, struct{}{})
}

// done answers a call whose remaining parameters do not matter here.
func (e *exchange) done(c *venue.Call) *venue.Answer { return e.ok(c, struct{}{}) }

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
