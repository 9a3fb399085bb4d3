package simulator

import "strconv"

// holding answers GET /v1/client/holding.
func (o *orderly) holding(c *call) *answer {
	return o.ok(c, map[string]any{"holding": []any{map[string]any{
		"token": "USDC", "holding": 1000.0, "frozen": 0.0, "pending_short": 0.0, "updated_time": c.now.UnixMilli(),
	}}})
}

// leverage answers POST /v1/client/leverage, which a key with read may call.
func (o *orderly) leverage(c *call) *answer {
	p := jsonParams(c.body)
	p.require("leverage")
	leverage := p.integer("leverage", 0)
	p.check("leverage", leverage >= 1 && leverage <= 50)
	if why := p.complaint(); why != nil {
		return o.badParameter(why)
	}
	return o.ok(c, nil)
}

// order answers POST /v1/order. It accepts the order, and nothing ever fills it.
func (o *orderly) order(c *call) *answer {
	p := jsonParams(c.body)
	p.require("symbol", "order_type", "side", "order_quantity")
	p.text("symbol")
	kind, side := p.text("order_type"), p.text("side")
	p.check("order_type", kind == "MARKET" || kind == "LIMIT")
	p.check("side", side == "BUY" || side == "SELL")
	if why := p.complaint(); why != nil {
		return o.badParameter(why)
	}
	id, err := strconv.ParseInt(randomNumber(9), 10, 64)
	if err != nil {
		panic(err) // it was drawn as a number
	}
	return o.ok(c, map[string]any{"order_id": id, "order_type": kind})
}

// transfer answers POST /v1/internal_transfer, between the accounts of one
// owner.
func (o *orderly) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("token", "receiver_list")
	p.text("token")
	var receivers []struct {
		AccountID string `json:"account_id"`
		Amount    string `json:"amount"`
	}
	p.value("receiver_list", &receivers)
	p.check("receiver_list", len(receivers) > 0)
	if why := p.complaint(); why != nil {
		return o.badParameter(why)
	}
	return o.ok(c, nil)
}

// withdraw answers POST /v1/withdraw_request. What an Orderly key can sign is
// never enough: the wallet must have signed the message.
func (o *orderly) withdraw(*call) *answer {
	return o.refuse(orderlyInvalid, "address and signature do not match")
}
