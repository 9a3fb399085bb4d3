package bitget

import (
	"cmp"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// unifiedNeeds permits keys of unified accounts with the permission. If the
// request changes something, the key's type must also allow writing.
func (e *exchange) unifiedNeeds(write bool, permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		switch {
		case !e.isUnified(c):
			return e.refuse(c, notUnified)
		case !c.Key.Has(permission) || write && !c.Key.Has("read_write"):
			return e.refuse(c, denied)
		}
		return nil
	}
}

// mayRead permits keys of classic accounts with the permission to read, and all
// keys of a broker's sub-accounts.
func (e *exchange) mayRead(c *venue.Call) *venue.Answer {
	if e.master(c).ID == e.brokerMaster {
		return nil
	}
	return e.needs("read", "stor")(c)
}

// needs permits keys of classic accounts and of a broker's that have one of the
// permissions and whose type is not read-only.
func (e *exchange) needs(permissions ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if refusal := e.notUnified(c); refusal != nil {
			return refusal
		}
		if !c.Key.Has(permissions...) || c.Key.Has("readonly") {
			return e.refuse(c, noPermission, permissions[0])
		}
		return nil
	}
}

// assets answers GET /api/v3/account/assets and /api/v2/spot/account/assets.
func (e *exchange) assets(c *venue.Call) *venue.Answer {
	row := map[string]string{"coin": "USDT", "available": "1000", "frozen": "0", "locked": "0", "uTime": millis(c.Now)}
	if e.isUnified(c) {
		return e.ok(c, map[string]any{"accountEquity": "1000", "usdtEquity": "1000", "assets": []any{row}})
	}
	return e.ok(c, []any{row})
}

// placeOrder answers the requests that place an order. It accepts the order,
// and nothing ever fills it. It tolerates parameters that it does not check:
// there are many, and none concerns keys.
func (e *exchange) placeOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("symbol", "side", "orderType")
	size := "size"
	switch {
	case e.isUnified(c):
		size = "qty"
		p.Require("category")
	case c.URL.Path == "/api/v2/margin/crossed/place-order":
		size = "baseSize"
	}
	p.Require(size)
	o := venue.Order{
		ID: venue.RandomNumber(19), ClientID: cmp.Or(p.Text("clientOid"), venue.RandomNumber(19)), Section: e.sectionOf(c, p.Text("category")),
		Market: p.Text("symbol"), Side: p.Text("side"), Kind: p.Text("orderType"), Price: p.Text("price"), Amount: p.Text(size),
	}
	p.Check("side", o.Side == "buy" || o.Side == "sell")
	p.Check("orderType", o.Kind == "market" || o.Kind == "limit")
	p.Check(size, isAmount(o.Amount))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	c.PlaceOrder(o)
	return e.ok(c, map[string]string{"orderId": o.ID, "clientOid": o.ClientID})
}

// transfer answers the requests that move funds. No minted key gets this far
// with a withdrawal.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("coin", "amount")
	p.Text("coin")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]string{"transferId": venue.RandomNumber(15), "clientOid": ""})
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
