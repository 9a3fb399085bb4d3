package simulator

import "strconv"

// unifiedNeeds permits keys of unified accounts with the permission, and, where
// something is changed, of the type that can write.
func (b *bitget) unifiedNeeds(write bool, permission string) func(*call) *answer {
	return func(c *call) *answer {
		switch {
		case !b.isUnified(c):
			return b.refuse(c, bitgetNotUnified)
		case !c.key.has(permission) || write && !c.key.has("read_write"):
			return b.refuse(c, bitgetDenied)
		}
		return nil
	}
}

// mayRead permits keys of classic accounts with the permission to read, and all
// keys of a broker's sub-accounts.
func (b *bitget) mayRead(c *call) *answer {
	if b.master(c).id == b.brokerMaster {
		return nil
	}
	return b.needs("read", "stor")(c)
}

// needs permits keys of classic accounts and of a broker's that have one of the
// permissions and are not of the type that only reads.
func (b *bitget) needs(permissions ...string) func(*call) *answer {
	return func(c *call) *answer {
		if refusal := b.notUnified(c); refusal != nil {
			return refusal
		}
		if !c.key.has(permissions...) || c.key.has("readonly") {
			return b.refuse(c, bitgetNoPermission, permissions[0])
		}
		return nil
	}
}

// openOrders answers GET /api/v3/trade/unfilled-orders. There never are any.
func (b *bitget) openOrders(c *call) *answer {
	return b.ok(c, map[string]any{"list": []any{}, "cursor": ""})
}

// assets answers GET /api/v3/account/assets and /api/v2/spot/account/assets.
func (b *bitget) assets(c *call) *answer {
	row := map[string]string{"coin": "USDT", "available": "1000", "frozen": "0", "locked": "0", "uTime": bitgetTime(c.now)}
	if b.isUnified(c) {
		return b.ok(c, map[string]any{"accountEquity": "1000", "usdtEquity": "1000", "assets": []any{row}})
	}
	return b.ok(c, []any{row})
}

// placeOrder answers the requests that place an order. It accepts the order, and
// nothing ever fills it. Parameters beyond those checked are tolerated: there
// are many, and none has to do with keys.
func (b *bitget) placeOrder(c *call) *answer {
	p := jsonParams(c.body)
	p.require("symbol", "side", "orderType")
	size := "size"
	switch {
	case b.isUnified(c):
		size = "qty"
		p.require("category")
	case c.URL.Path == "/api/v2/margin/crossed/place-order":
		size = "baseSize"
	}
	p.require(size)
	side, kind := p.text("side"), p.text("orderType")
	p.check("side", side == "buy" || side == "sell")
	p.check("orderType", kind == "market" || kind == "limit")
	p.check(size, bitgetAmount(p.text(size)))
	if why := p.complaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]string{"orderId": randomNumber(19), "clientOid": randomNumber(19)})
}

// transfer answers the requests that move funds, of which withdrawals come this
// far from no minted key.
func (b *bitget) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("coin", "amount")
	p.text("coin")
	p.check("amount", bitgetAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]string{"transferId": randomNumber(15), "clientOid": ""})
}

func bitgetAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
