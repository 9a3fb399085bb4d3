package bingx

import (
	"encoding/json"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The sections of orders.
const (
	spotSection = "spot"
	swapSection = "swap"
)

// order answers the calls that place an order. It accepts the order, and nothing ever
// fills it. It tolerates parameters that it does not require: there are many, and none
// concerns keys.
func (e *exchange) order(section string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := e.params(c)
		p.Require("symbol", "side", "type", "quantity")
		o := venue.Order{
			ID: venue.RandomNumber(18), ClientID: p.Text("newClientOrderId"), Section: section, Market: p.Text("symbol"),
			Side: p.Text("side"), Kind: p.Text("type"), Price: p.Text("price"), Amount: p.Text("quantity"), Placed: c.Now,
		}
		if why := p.Complaint(); why != nil {
			return e.malformed(c, why)
		}
		c.PlaceOrder(o)
		if section == swapSection {
			return e.ok(c, map[string]any{"order": orderView(o, "NEW")})
		}
		return e.ok(c, orderView(o, "PENDING"))
	}
}

// openOrders answers GET /openApi/spot/v1/trade/openOrders.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := e.params(c)
	symbol := p.Text("symbol")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	rows := []any{}
	for _, o := range c.OpenOrders(spotSection, symbol) {
		rows = append(rows, orderView(o, "PENDING"))
	}
	return e.ok(c, map[string]any{"orders": rows})
}

// cancelOrder answers POST /openApi/spot/v1/trade/cancel.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("symbol")
	id, clientID := p.Text("orderId"), p.Text("clientOrderID")
	p.Check("orderId", id+clientID != "")
	p.Ignore("symbol", "cancelRestrictions")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	o, found := c.CancelOrder(spotSection, id, clientID)
	if !found {
		return e.refuse(c, noOrder, "order does not exist")
	}
	return e.ok(c, orderView(o, "CANCELED"))
}

func orderView(o venue.Order, status string) map[string]any {
	return map[string]any{
		"symbol": o.Market, "orderId": json.Number(o.ID), "clientOrderID": o.ClientID, "price": o.Price, "origQty": o.Amount,
		"executedQty": "0", "cummulativeQuoteQty": "0", "status": status, "type": o.Kind, "side": o.Side,
		"time": o.Placed.UnixMilli(), "updateTime": o.Placed.UnixMilli(), "transactTime": o.Placed.UnixMilli(),
	}
}
