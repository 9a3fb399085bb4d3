package orderly

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// holding answers GET /v1/client/holding.
func (e *exchange) holding(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]any{"holding": []any{map[string]any{
		"token": "USDC", "holding": 1000.0, "frozen": 0.0, "pending_short": 0.0, "updated_time": c.Now.UnixMilli(),
	}}})
}

// leverage answers POST /v1/client/leverage, which a key with read may call.
func (e *exchange) leverage(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("leverage")
	leverage := p.Integer("leverage", 0)
	p.Check("leverage", leverage >= 1 && leverage <= 50)
	if why := p.Complaint(); why != nil {
		return e.badParameter(why)
	}
	return e.ok(c, nil)
}

// order answers POST /v1/order. It accepts the order, and nothing ever fills it.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("symbol", "order_type", "side", "order_quantity")
	p.Text("symbol")
	kind, side := p.Text("order_type"), p.Text("side")
	p.Check("order_type", kind == "MARKET" || kind == "LIMIT")
	p.Check("side", side == "BUY" || side == "SELL")
	if why := p.Complaint(); why != nil {
		return e.badParameter(why)
	}
	id, err := strconv.ParseInt(venue.RandomNumber(9), 10, 64)
	if err != nil {
		panic(err) // it was drawn as a number
	}
	return e.ok(c, map[string]any{"order_id": id, "order_type": kind})
}

// transfer answers POST /v1/internal_transfer, between the accounts of one
// owner.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("token", "receiver_list")
	p.Text("token")
	var receivers []struct {
		AccountID string `json:"account_id"`
		Amount    string `json:"amount"`
	}
	p.Value("receiver_list", &receivers)
	p.Check("receiver_list", len(receivers) > 0)
	if why := p.Complaint(); why != nil {
		return e.badParameter(why)
	}
	return e.ok(c, nil)
}

// withdraw answers POST /v1/withdraw_request. An Orderly key's signature is
// never enough: the wallet must have signed the message.
func (e *exchange) withdraw(*venue.Call) *venue.Answer {
	return e.refuse(invalid, "address and signature do not match")
}
