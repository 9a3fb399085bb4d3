package bitget

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// unifiedNeeds permits keys of unified accounts with the permission, and, where
// something is changed, of the type that can write.
func (b *bitget) unifiedNeeds(write bool, permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		switch {
		case !b.isUnified(c):
			return b.refuse(c, bitgetNotUnified)
		case !c.Key.Has(permission) || write && !c.Key.Has("read_write"):
			return b.refuse(c, bitgetDenied)
		}
		return nil
	}
}

// mayRead permits keys of classic accounts with the permission to read, and all
// keys of a broker's sub-accounts.
func (b *bitget) mayRead(c *venue.Call) *venue.Answer {
	if b.master(c).ID == b.brokerMaster {
		return nil
	}
	return b.needs("read", "stor")(c)
}

// needs permits keys of classic accounts and of a broker's that have one of the
// permissions and are not of the type that only reads.
func (b *bitget) needs(permissions ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if refusal := b.notUnified(c); refusal != nil {
			return refusal
		}
		if !c.Key.Has(permissions...) || c.Key.Has("readonly") {
			return b.refuse(c, bitgetNoPermission, permissions[0])
		}
		return nil
	}
}

// openOrders answers GET /api/v3/trade/unfilled-orders. There never are any.
func (b *bitget) openOrders(c *venue.Call) *venue.Answer {
	return b.ok(c, map[string]any{"list": []any{}, "cursor": ""})
}

// assets answers GET /api/v3/account/assets and /api/v2/spot/account/assets.
func (b *bitget) assets(c *venue.Call) *venue.Answer {
	row := map[string]string{"coin": "USDT", "available": "1000", "frozen": "0", "locked": "0", "uTime": bitgetTime(c.Now)}
	if b.isUnified(c) {
		return b.ok(c, map[string]any{"accountEquity": "1000", "usdtEquity": "1000", "assets": []any{row}})
	}
	return b.ok(c, []any{row})
}

// placeOrder answers the requests that place an order. It accepts the order, and
// nothing ever fills it. Parameters beyond those checked are tolerated: there
// are many, and none has to do with keys.
func (b *bitget) placeOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("symbol", "side", "orderType")
	size := "size"
	switch {
	case b.isUnified(c):
		size = "qty"
		p.Require("category")
	case c.URL.Path == "/api/v2/margin/crossed/place-order":
		size = "baseSize"
	}
	p.Require(size)
	side, kind := p.Text("side"), p.Text("orderType")
	p.Check("side", side == "buy" || side == "sell")
	p.Check("orderType", kind == "market" || kind == "limit")
	p.Check(size, bitgetAmount(p.Text(size)))
	if why := p.Complaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]string{"orderId": venue.RandomNumber(19), "clientOid": venue.RandomNumber(19)})
}

// transfer answers the requests that move funds, of which withdrawals come this
// far from no minted key.
func (b *bitget) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("coin", "amount")
	p.Text("coin")
	p.Check("amount", bitgetAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]string{"transferId": venue.RandomNumber(15), "clientOid": ""})
}

func bitgetAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
