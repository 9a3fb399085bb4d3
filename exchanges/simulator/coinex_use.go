package simulator

import (
	"encoding/json"
	"slices"
	"strconv"
)

// mayRead permits keys of accounts that are not frozen.
func (x *coinex) mayRead(c *call) *answer {
	switch {
	case c.key.account.frozen:
		return x.refuse(c, coinexFrozenAccount, "The sub-account is frozen.")
	case !c.key.has(coinexRead):
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

// mayTrade permits keys for which trading is on.
func (x *coinex) mayTrade(c *call) *answer {
	if !c.key.has(coinexTrade) {
		return x.refuse(c, coinexNoTrading, "User prohibited from trading")
	}
	return x.mayRead(c)
}

// mayWithdraw permits keys that can withdraw.
func (x *coinex) mayWithdraw(c *call) *answer {
	if !c.key.has(coinexWithdraw) {
		return x.refuse(c, coinexNoPermission, "Withdrawals are not enabled for the key.")
	}
	return x.mayRead(c)
}

// balance answers GET /v2/assets/spot/balance.
func (x *coinex) balance(c *call) *answer {
	if why := formParams(c.URL.RawQuery).strictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, []map[string]string{{"ccy": "USDT", "available": "1000", "frozen": "0"}})
}

// order reads what orders have in common. Like the calls below it accepts what
// is asked and nothing ever fills it; parameters beyond those checked are
// tolerated: there are many, and none has to do with keys.
func (x *coinex) order(c *call, types ...string) (*params, string) {
	p := jsonParams(c.body)
	p.require("market", "market_type", "side", "type", "amount")
	p.text("market")
	marketType, side, kind := p.text("market_type"), p.text("side"), p.text("type")
	p.check("market_type", slices.Contains(types, marketType))
	p.check("side", side == "buy" || side == "sell")
	p.check("type", kind == "limit" || kind == "market")
	p.check("amount", coinexAmount(p.text("amount")))
	if kind == "limit" {
		p.check("price", coinexAmount(p.text("price")))
	}
	return p, marketType
}

// spotOrder answers POST /v2/spot/order, for margin too.
func (x *coinex) spotOrder(c *call) *answer {
	p, marketType := x.order(c, "SPOT", coinexMargin)
	if marketType == coinexMargin && !x.has(c.key.account, coinexMargin) {
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return x.accept(c, p)
}

// futuresOrder answers POST /v2/futures/order.
func (x *coinex) futuresOrder(c *call) *answer {
	p, _ := x.order(c, coinexFutures)
	if !x.has(c.key.account, coinexFutures) {
		return x.refuse(c, coinexNoFutures, "Futures trading prohibited")
	}
	return x.accept(c, p)
}

func (x *coinex) accept(c *call, p *params) *answer {
	if why := p.complaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, map[string]any{"order_id": json.Number(randomNumber(11)), "market": p.text("market")})
}

// transfer answers POST /v2/assets/transfer, between the accounts of one user.
func (x *coinex) transfer(c *call) *answer {
	p := jsonParams(c.body)
	wallets := []string{"SPOT", coinexMargin, coinexFutures}
	from, to := p.text("from_account_type"), p.text("to_account_type")
	p.require("ccy")
	p.check("from_account_type", slices.Contains(wallets, from))
	p.check("to_account_type", slices.Contains(wallets, to) && to != from)
	p.check("amount", coinexAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return x.malformed(c, why)
	}
	return x.ok(c, struct{}{})
}

// done answers a call of which nothing more matters here.
func (x *coinex) done(c *call) *answer { return x.ok(c, struct{}{}) }

func coinexAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
