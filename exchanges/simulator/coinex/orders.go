package coinex

import (
	"encoding/json"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// pendingOrders answers GET /v2/spot/pending-order and GET /v2/futures/pending-order.
func (e *exchange) pendingOrders(types ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.FormParams(c.URL.RawQuery)
		marketType, market := p.Text("market_type"), p.Text("market")
		p.Check("market_type", slices.Contains(types, marketType))
		p.Integer("page", 1)
		p.Integer("limit", 10)
		p.Ignore("side", "client_id")
		if why := p.StrictComplaint(); why != nil {
			return e.malformed(c, why)
		}
		rows := []any{}
		for _, o := range c.OpenOrders(marketType, market) {
			rows = append(rows, orderView(o))
		}
		return e.envelope(c, 0, rows, "OK", map[string]any{"pagination": map[string]any{"total": len(rows), "has_next": false}})
	}
}

// cancelOrder answers POST /v2/spot/cancel-order and POST /v2/futures/cancel-order.
func (e *exchange) cancelOrder(types ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.JSONParams(c.Body)
		p.Require("market", "market_type", "order_id")
		p.Text("market")
		marketType, id := p.Text("market_type"), p.Integer("order_id", 0)
		p.Check("market_type", slices.Contains(types, marketType))
		if why := p.StrictComplaint(); why != nil {
			return e.malformed(c, why)
		}
		o, found := c.CancelOrder(marketType, strconv.FormatInt(id, 10), "")
		if !found {
			return e.refuse(c, noOrder, "Order not found")
		}
		return e.ok(c, orderView(o))
	}
}

func orderView(o venue.Order) map[string]any {
	return map[string]any{
		"order_id": json.Number(o.ID), "market": o.Market, "market_type": o.Section, "side": o.Side, "type": o.Kind, "amount": o.Amount,
		"price": o.Price, "client_id": o.ClientID, "filled_amount": "0", "filled_value": "0", "unfilled_amount": o.Amount,
		"created_at": o.Placed.UnixMilli(), "updated_at": o.Placed.UnixMilli(),
	}
}
