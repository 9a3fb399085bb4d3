package kucoin

import (
	"cmp"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// ownKey answers GET /api/v1/user/api-key for the calling key, whichever it is.
func (e *exchange) ownKey(c *venue.Call) *venue.Answer {
	shown := e.describeKey(c.Key)
	uid := c.Key.Account.ID
	if c.Key.Account.Parent != nil {
		uid, shown["subName"] = c.Key.Account.Name, c.Key.Account.ID
	}
	maps.Copy(shown, map[string]any{"uid": json.Number(uid), "isMaster": c.Key.Account.Parent == nil, "expiredAt": nil})
	if len(c.Key.IPs) > 0 {
		shown["ipWhitelist"] = strings.Join(c.Key.IPs, ",")
	}
	if !c.Key.Expires.IsZero() {
		shown["expiredAt"] = c.Key.Expires.UnixMilli()
	}
	return e.ok(c, shown)
}

// balances answers GET /api/v1/accounts.
func (e *exchange) balances(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	currency, kind := p.Text("currency"), p.Text("type")
	p.Check("type", kind == "" || kind == "main" || kind == "trade")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, []any{map[string]string{
		"id": venue.RandomText(24, venue.LowerHex), "currency": cmp.Or(currency, "USDT"), "type": cmp.Or(kind, "trade"),
		"balance": "1000", "available": "1000", "holds": "0",
	}})
}

// order answers the calls that place spot, margin and futures orders, and reads
// what they have in common. It accepts the order, and nothing ever fills it.
func (e *exchange) order(section string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.JSONParams(c.Body)
		p.Require("symbol", "side", "type", "size")
		o := venue.Order{
			ID: venue.RandomText(24, venue.LowerHex), ClientID: p.Text("clientOid"), Section: section, Market: p.Text("symbol"),
			Side: p.Text("side"), Kind: p.Text("type"), Price: p.Text("price"), Amount: p.Text("size"),
		}
		p.Check("side", o.Side == "buy" || o.Side == "sell")
		p.Check("type", o.Kind == "market" || o.Kind == "limit")
		p.Check("size", isAmount(o.Amount))
		p.Check("price", o.Kind != "limit" || isAmount(o.Price))
		if why := p.Complaint(); why != nil {
			return e.badParameter(c, why)
		}
		c.PlaceOrder(o)
		return e.ok(c, map[string]string{"orderId": o.ID, "clientOid": o.ClientID})
	}
}

// transfer answers POST /api/v3/accounts/universal-transfer.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("clientOid", "currency", "amount", "type", "fromAccountType", "toAccountType")
	kind := p.Text("type")
	p.Check("type", kind == "INTERNAL" || kind == "PARENT_TO_SUB" || kind == "SUB_TO_PARENT")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]string{"orderId": venue.RandomText(24, venue.LowerHex)})
}

// withdraw answers POST /api/v3/withdrawals, which no sub-account's key may
// call.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("currency", "toAddress", "amount", "withdrawType")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]string{"withdrawalId": venue.RandomText(24, venue.LowerHex)})
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
