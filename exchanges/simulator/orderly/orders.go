package orderly

import (
	"encoding/json"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// section is the only one: the symbol says what an order is for.
const section = "orders"

// openOrders answers GET /v1/orders. Here all orders are incomplete.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	symbol, status := p.Text("symbol"), p.Text("status")
	p.Integer("page", 1)
	size := p.Integer("size", 25)
	p.Check("size", size > 0 && size <= 500)
	p.Ignore("side", "order_type", "order_tag", "start_t", "end_t", "sort_by")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	rows := []any{}
	if status == "" || status == "INCOMPLETE" || status == "NEW" {
		for _, o := range c.Books.OpenOrders(e.acting(c), section, symbol) {
			rows = append(rows, map[string]any{
				"order_id": json.Number(o.ID), "client_order_id": o.ClientID, "symbol": o.Market, "side": o.Side, "type": o.Kind,
				"price": json.Number(o.Price), "quantity": json.Number(o.Amount), "amount": nil, "executed": 0.0, "total_executed_quantity": 0.0,
				"average_executed_price": 0.0, "status": "NEW", "total_fee": 0.0, "fee_asset": "USDC", "reduce_only": false,
				"created_time": o.Placed.UnixMilli(), "updated_time": o.Placed.UnixMilli(),
			})
		}
	}
	return e.ok(c, map[string]any{
		"rows": rows, "meta": map[string]any{"total": len(rows), "records_per_page": size, "current_page": 1},
	})
}

// cancelOrder answers DELETE /v1/order.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("symbol", "order_id")
	p.Text("symbol")
	id := p.Text("order_id")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	if _, found := c.Books.CancelOrder(e.acting(c), section, id, ""); !found || id == "" {
		return e.refuse(missing, "The data is not found in server.")
	}
	return e.ok(c, map[string]string{"status": "CANCEL_SENT"})
}

// numberOf reads a parameter that is a number, as text; zero if it is missing.
func numberOf(p *venue.Params, name string) string {
	number := json.Number("0")
	p.Value(name, &number)
	return number.String()
}
