package simulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
)

// ownKey answers GET /api/v1/user/api-key for the calling key, whichever it is.
func (k *kucoin) ownKey(c *call) *answer {
	shown := k.describeKey(c.key)
	uid := c.key.account.id
	if c.key.account.parent != nil {
		uid, shown["subName"] = c.key.account.name, c.key.account.id
	}
	maps.Copy(shown, map[string]any{"uid": json.Number(uid), "isMaster": c.key.account.parent == nil, "expiredAt": nil})
	if len(c.key.ips) > 0 {
		shown["ipWhitelist"] = strings.Join(c.key.ips, ",")
	}
	if !c.key.expires.IsZero() {
		shown["expiredAt"] = c.key.expires.UnixMilli()
	}
	return k.ok(c, shown)
}

// balances answers GET /api/v1/accounts.
func (k *kucoin) balances(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	currency, kind := p.text("currency"), p.text("type")
	p.check("type", kind == "" || kind == "main" || kind == "trade")
	if why := p.strictComplaint(); why != nil {
		return k.badParameter(c, why)
	}
	return k.ok(c, []any{map[string]string{
		"id": randomText(24, lowerHex), "currency": cmp.Or(currency, "USDT"), "type": cmp.Or(kind, "trade"),
		"balance": "1000", "available": "1000", "holds": "0",
	}})
}

// order answers the calls that place spot, margin and futures orders, as far
// as they agree. It accepts the order, and nothing ever fills it.
func (k *kucoin) order(c *call) *answer {
	p := jsonParams(c.body)
	p.require("symbol", "side", "type", "size")
	p.text("symbol")
	side, kind, clientID := p.text("side"), p.text("type"), p.text("clientOid")
	p.check("side", side == "buy" || side == "sell")
	p.check("type", kind == "market" || kind == "limit")
	p.check("size", kucoinAmount(p.text("size")))
	p.check("price", kind != "limit" || kucoinAmount(p.text("price")))
	if why := p.complaint(); why != nil {
		return k.badParameter(c, why)
	}
	return k.ok(c, map[string]string{"orderId": randomText(24, lowerHex), "clientOid": clientID})
}

// transfer answers POST /api/v3/accounts/universal-transfer.
func (k *kucoin) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("clientOid", "currency", "amount", "type", "fromAccountType", "toAccountType")
	kind := p.text("type")
	p.check("type", kind == "INTERNAL" || kind == "PARENT_TO_SUB" || kind == "SUB_TO_PARENT")
	p.check("amount", kucoinAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return k.badParameter(c, why)
	}
	return k.ok(c, map[string]string{"orderId": randomText(24, lowerHex)})
}

// withdraw answers POST /api/v3/withdrawals, which no key of a sub-account may
// call.
func (k *kucoin) withdraw(c *call) *answer {
	p := jsonParams(c.body)
	p.require("currency", "toAddress", "amount", "withdrawType")
	p.check("amount", kucoinAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return k.badParameter(c, why)
	}
	return k.ok(c, map[string]string{"withdrawalId": randomText(24, lowerHex)})
}

func kucoinAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
