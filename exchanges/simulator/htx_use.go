package simulator

import (
	"net/http"
	"strconv"
)

func (h *htx) mayTrade(c *call) *answer    { return h.needs(c, htxTrade) }
func (h *htx) mayWithdraw(c *call) *answer { return h.needs(c, htxWithdraw) }

func (h *htx) needs(c *call, permission string) *answer {
	if !c.key.has(permission) {
		return h.notValid(c, "API key has no permission")
	}
	return nil
}

// accounts answers GET /v1/account/accounts, which any key may read.
func (h *htx) accounts(c *call) *answer {
	if why := h.params(c).strictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	return h.done(c, []any{map[string]any{"id": htxUID(c.key.account), "type": "spot", "subtype": "", "state": "working"}})
}

// placeOrder answers POST /v1/order/orders/place. It accepts the order, and
// nothing ever fills it. Parameters beyond those checked are tolerated: there
// are many, and none has to do with keys.
func (h *htx) placeOrder(c *call) *answer {
	p := jsonParams(c.body)
	p.require("account-id", "symbol", "type", "amount")
	kind := p.text("type")
	p.check("type", kind == "buy-market" || kind == "sell-market" || kind == "buy-limit" || kind == "sell-limit")
	p.check("amount", htxAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return h.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return h.done(c, randomNumber(15))
}

// placeSwapOrder answers POST /linear-swap-api/v1/swap_order.
func (h *htx) placeSwapOrder(c *call) *answer {
	p := jsonParams(c.body)
	p.require("contract_code", "volume", "direction", "lever_rate", "order_price_type")
	direction := p.text("direction")
	p.check("direction", direction == "buy" || direction == "sell")
	p.check("volume", p.integer("volume", 0) > 0)
	if why := p.complaint(); why != nil {
		return h.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return h.done(c, map[string]string{"order_id_str": randomNumber(18)})
}

// transfer answers POST /v2/account/transfer, which needs no right beyond trade.
func (h *htx) transfer(c *call) *answer {
	p := jsonParams(c.body)
	p.require("from", "to", "currency", "amount")
	p.check("amount", htxAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return h.badParameter(c, why)
	}
	return h.ok(c, 1)
}

// withdraw answers POST /v1/dw/withdraw/api/create.
func (h *htx) withdraw(c *call) *answer {
	p := jsonParams(c.body)
	p.require("address", "currency", "amount")
	p.check("amount", htxAmount(p.text("amount")))
	if why := p.complaint(); why != nil {
		return h.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return h.done(c, 1)
}

func htxAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
