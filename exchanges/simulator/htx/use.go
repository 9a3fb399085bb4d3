package htx

import (
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

func (e *exchange) mayTrade(c *venue.Call) *venue.Answer    { return e.needs(c, trade) }
func (e *exchange) mayWithdraw(c *venue.Call) *venue.Answer { return e.needs(c, withdraw) }

func (e *exchange) needs(c *venue.Call, permission string) *venue.Answer {
	if !c.Key.Has(permission) {
		return e.notValid(c, "API key has no permission")
	}
	return nil
}

// accounts answers GET /v1/account/accounts, which any key may read.
func (e *exchange) accounts(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.done(c, []any{map[string]any{"id": uidOf(c.Key.Account), "type": "spot", "subtype": "", "state": "working"}})
}

// placeOrder answers POST /v1/order/orders/place. It accepts the order, and
// nothing ever fills it. It tolerates parameters that it does not check: there
// are many, and none concerns keys.
func (e *exchange) placeOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("account-id", "symbol", "type", "amount")
	o := venue.Order{
		ID: venue.RandomNumber(15), ClientID: p.Text("client-order-id"), Section: spotSection, Market: p.Text("symbol"),
		Kind: p.Text("type"), Price: p.Text("price"), Amount: p.Text("amount"),
	}
	p.Check("type", o.Kind == "buy-market" || o.Kind == "sell-market" || o.Kind == "buy-limit" || o.Kind == "sell-limit")
	p.Check("amount", isAmount(o.Amount))
	if why := p.Complaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	c.PlaceOrder(o)
	return e.done(c, o.ID)
}

// placeSwapOrder answers POST /linear-swap-api/v1/swap_order.
func (e *exchange) placeSwapOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("contract_code", "volume", "direction", "lever_rate", "order_price_type")
	direction := p.Text("direction")
	p.Check("direction", direction == "buy" || direction == "sell")
	p.Check("volume", p.Integer("volume", 0) > 0)
	if why := p.Complaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return e.done(c, map[string]string{"order_id_str": venue.RandomNumber(18)})
}

// transfer answers POST /v2/account/transfer, which needs no right but trade.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("from", "to", "currency", "amount")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, 1)
}

// withdraw answers POST /v1/dw/withdraw/api/create.
func (e *exchange) withdraw(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("address", "currency", "amount")
	p.Check("amount", isAmount(p.Text("amount")))
	if why := p.Complaint(); why != nil {
		return e.bar(c, http.StatusOK, "invalid-parameter", why.Error())
	}
	return e.done(c, 1)
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
