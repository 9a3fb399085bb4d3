package coinex

import (
	"encoding/json"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mayRead permits keys of accounts that are not frozen.
func (x *coinex) mayRead(c *venue.Call) *venue.Answer {
	switch {
	case c.Key.Account.Frozen:
		return x.refuse(c, coinexFrozenAccount, "The sub-account is frozen.")
	case !c.Key.Has(coinexRead):
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

// mayTrade permits keys for which trading is on.
func (x *coinex) mayTrade(c *venue.Call) *venue.Answer {
	if !c.Key.Has(coinexTrade) {
		return x.refuse(c, coinexNoTrading, "User prohibited from trading")
	}
	return x.mayRead(c)
}

// mayWithdraw permits keys that can withdraw.
func (x *coinex) mayWithdraw(c *venue.Call) *venue.Answer {
	if !c.Key.Has(coinexWithdraw) {
		return x.refuse(c, coinexNoPermission, "Withdrawals are not enabled for the key.")
	}
	return x.mayRead(c)
}

// balance answers GET /v2/assets/spot/balance.
func (x *coinex) balance(c *venue.Call) *venue.Answer {
	if why := venue.FormParams(c.URL.RawQuery).StrictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, []map[string]string{{"ccy": "USDT", "available": "1000", "frozen": "0"}})
}

// order reads what orders have in common. Like the calls below it accepts what
// is asked and nothing ever fills it; parameters beyond those checked are
// tolerated: there are many, and none has to do with keys.
func (x *coinex) order(c *venue.Call, types ...string) (*venue.Params, string) {
	p := venue.JSONParams(c.Body)
	p.Require("market", "market_type", "side", "type", "amount")
	p.Text("market")
	marketType, side, kind := p.Text("market_type"), p.Text("side"), p.Text("type")
	p.Check("market_type", slices.Contains(types, marketType))
	p.Check("side", side == "buy" || side == "sell")
	p.Check("type", kind == "limit" || kind == "market")
	p.Check("amount", coinexAmount(p.Text("amount")))
	if kind == "limit" {
		p.Check("price", coinexAmount(p.Text("price")))
	}
	return p, marketType
}

// spotOrder answers POST /v2/spot/order, for margin too.
func (x *coinex) spotOrder(c *venue.Call) *venue.Answer {
	p, marketType := x.order(c, "SPOT", coinexMargin)
	if marketType == coinexMargin && !x.has(c.Key.Account, coinexMargin) {
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return x.accept(c, p)
}

// futuresOrder answers POST /v2/futures/order.
func (x *coinex) futuresOrder(c *venue.Call) *venue.Answer {
	p, _ := x.order(c, coinexFutures)
	if !x.has(c.Key.Account, coinexFutures) {
		return x.refuse(c, coinexNoFutures, "Futures trading prohibited")
	}
	return x.accept(c, p)
}

func (x *coinex) accept(c *venue.Call, p *venue.Params) *venue.Answer {
	if why := p.Complaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, map[string]any{"order_id": json.Number(venue.RandomNumber(11)), "market": p.Text("market")})
}

// transfer answers POST /v2/assets/transfer, between the accounts of one user.
func (x *coinex) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	wallets := []string{"SPOT", coinexMargin, coinexFutures}
	from, to := p.Text("from_account_type"), p.Text("to_account_type")
	p.Require("ccy")
	p.Check("from_account_type", slices.Contains(wallets, from))
	p.Check("to_account_type", slices.Contains(wallets, to) && to != from)
	p.Check("amount", coinexAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, struct{}{})
}

// done answers a call of which nothing more matters here.
func (x *coinex) done(c *venue.Call) *venue.Answer { return x.ok(c, struct{}{}) }

func coinexAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
