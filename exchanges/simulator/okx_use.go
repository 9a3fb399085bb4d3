package simulator

import (
	"strconv"
	"strings"
)

func (o *okx) mayRead(c *call) *answer     { return o.needs(c, okxRead) }
func (o *okx) mayTrade(c *call) *answer    { return o.needs(c, okxTrade) }
func (o *okx) mayWithdraw(c *call) *answer { return o.needs(c, okxWithdraw) }

func (o *okx) needs(c *call, permission string) *answer {
	if !c.key.has(permission) {
		return o.refuse(c, okxNoPermission)
	}
	return nil
}

// config answers GET /api/v5/account/config for the calling key, whichever it
// is.
func (o *okx) config(c *call) *answer {
	k := c.key
	uid, mainUID, kind := k.account.id, k.account.id, "0"
	if k.account.parent != nil {
		uid, mainUID, kind = k.account.name, k.account.parent.id, "1"
	}
	return o.ok(map[string]any{
		"uid": uid, "mainUid": mainUID, "type": kind, "label": k.label, "perm": strings.Join(k.permissions, ","),
		"ip": strings.Join(k.ips, ","), "kycLv": "2", "acctLv": "2", "level": "Lv1", "roleType": "0",
		"posMode": "net_mode", "autoLoan": false, "greeksType": "PA", "opAuth": "0",
	})
}

// balance answers GET /api/v5/account/balance.
func (o *okx) balance(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.text("ccy")
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(c, why)
	}
	return o.ok(map[string]any{
		"uTime": okxTime(c.now), "totalEq": "1000",
		"details": []any{map[string]string{"ccy": "USDT", "eq": "1000", "cashBal": "1000", "availBal": "1000"}},
	})
}

// order answers POST /api/v5/trade/order. It accepts the order, and nothing
// ever fills it.
func (o *okx) order(c *call) *answer {
	p := jsonParams(c.body)
	p.require("instId", "tdMode", "side", "ordType", "sz")
	p.text("instId")
	mode, side, kind, clientID := p.text("tdMode"), p.text("side"), p.text("ordType"), p.text("clOrdId")
	p.check("tdMode", mode == "cash" || mode == "cross" || mode == "isolated")
	p.check("side", side == "buy" || side == "sell")
	p.check("ordType", kind == "market" || kind == "limit")
	p.check("sz", okxAmount(p.text("sz")))
	p.check("px", kind != "limit" || okxAmount(p.text("px")))
	if why := p.complaint(); why != nil {
		return o.badParameter(c, why)
	}
	return o.ok(map[string]string{
		"ordId": randomNumber(19), "clOrdId": clientID, "tag": "", "ts": okxTime(c.now), "sCode": "0", "sMsg": "Order placed",
	})
}

// transfer answers POST /api/v5/asset/transfer, which needs no right beyond
// trade.
func (o *okx) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("ccy", "amt", "from", "to")
	currency, amount, from, to := p.text("ccy"), p.text("amt"), p.text("from"), p.text("to")
	p.check("amt", okxAmount(amount))
	if why := p.complaint(); why != nil {
		return o.badParameter(c, why)
	}
	return o.ok(map[string]string{
		"transId": randomNumber(9), "clientId": "", "ccy": currency, "amt": amount, "from": from, "to": to,
	})
}

// withdraw answers POST /api/v5/asset/withdrawal.
func (o *okx) withdraw(c *call) *answer {
	p := jsonParams(c.body)
	p.require("ccy", "amt", "dest", "toAddr")
	currency, amount := p.text("ccy"), p.text("amt")
	p.check("amt", okxAmount(amount))
	if why := p.complaint(); why != nil {
		return o.badParameter(c, why)
	}
	return o.ok(map[string]string{"wdId": randomNumber(8), "clientId": "", "ccy": currency, "amt": amount})
}

func okxAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
