package okx

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

func (e *exchange) mayRead(c *venue.Call) *venue.Answer     { return e.needs(c, read) }
func (e *exchange) mayTrade(c *venue.Call) *venue.Answer    { return e.needs(c, trade) }
func (e *exchange) mayWithdraw(c *venue.Call) *venue.Answer { return e.needs(c, withdraw) }

func (e *exchange) needs(c *venue.Call, permission string) *venue.Answer {
	if !c.Key.Has(permission) {
		return e.refuse(c, noPermission)
	}
	return nil
}

// config answers GET /api/v5/account/config for the calling key, whichever it
// is.
func (e *exchange) config(c *venue.Call) *venue.Answer {
	k := c.Key
	uid, mainUID, kind := k.Account.ID, k.Account.ID, "0"
	if k.Account.Parent != nil {
		uid, mainUID, kind = k.Account.Name, k.Account.Parent.ID, "1"
	}
	return e.ok(map[string]any{
		"uid": uid, "mainUid": mainUID, "type": kind, "label": k.Label, "perm": strings.Join(k.Permissions, ","),
		"ip": strings.Join(k.IPs, ","), "kycLv": "2", "acctLv": "2", "level": "Lv1", "roleType": "0",
		"posMode": "net_mode", "autoLoan": false, "greeksType": "PA", "opAuth": "0",
	})
}

// balance answers GET /api/v5/account/balance.
func (e *exchange) balance(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Text("ccy")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(map[string]any{
		"uTime": millis(c.Now), "totalEq": "1000",
		"details": []any{map[string]string{"ccy": "USDT", "eq": "1000", "cashBal": "1000", "availBal": "1000"}},
	})
}

// order answers POST /api/v5/trade/order. It accepts the order, and nothing
// ever fills it.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	o, why := readOrder(c.Body)
	if why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(e.place(c, o))
}

// transfer answers POST /api/v5/asset/transfer, which needs no right but trade.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("ccy", "amt", "from", "to")
	currency, amount, from, to := p.Text("ccy"), p.Text("amt"), p.Text("from"), p.Text("to")
	p.Check("amt", isAmount(amount))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(map[string]string{
		"transId": venue.RandomNumber(9), "clientId": "", "ccy": currency, "amt": amount, "from": from, "to": to,
	})
}

// withdraw answers POST /api/v5/asset/withdrawal.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("ccy", "amt", "dest", "toAddr")
	currency, amount := p.Text("ccy"), p.Text("amt")
	p.Check("amt", isAmount(amount))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(map[string]string{"wdId": venue.RandomNumber(8), "clientId": "", "ccy": currency, "amt": amount})
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
