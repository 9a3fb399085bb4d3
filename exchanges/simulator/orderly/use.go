package orderly

import (
	"encoding/json"

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
	o := venue.Order{
		ID: venue.RandomNumber(9), ClientID: p.Text("client_order_id"), Section: section, Market: p.Text("symbol"),
		Side: p.Text("side"), Kind: p.Text("order_type"), Price: numberOf(p, "order_price"), Amount: numberOf(p, "order_quantity"), Placed: c.Now,
	}
	p.Check("order_type", o.Kind == "MARKET" || o.Kind == "LIMIT")
	p.Check("side", o.Side == "BUY" || o.Side == "SELL")
	if why := p.Complaint(); why != nil {
		return e.badParameter(why)
	}
	c.Books.PlaceOrder(e.acting(c), o)
	return e.ok(c, map[string]any{"order_id": json.Number(o.ID), "client_order_id": o.ClientID, "order_type": o.Kind})
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
