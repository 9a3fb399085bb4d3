package mexc

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// spotSection is the section of orders of the spot API.
const spotSection = "spot"

// openOrders answers GET /api/v3/openOrders.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("symbol")
	symbol := p.Text("symbol")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	rows := []any{}
	for _, o := range c.OpenOrders(spotSection, symbol) {
		rows = append(rows, orderView(o, "NEW"))
	}
	return e.ok(rows)
}

// cancelOrder answers DELETE /api/v3/order.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("symbol")
	id, clientID := p.Text("orderId"), p.Text("origClientOrderId")
	p.Check("orderId", id+clientID != "")
	p.Ignore("symbol", "newClientOrderId")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	o, found := c.CancelOrder(spotSection, id, clientID)
	if !found {
		return e.refuse(unknownOrder, "Unknown order sent.")
	}
	return e.ok(orderView(o, "CANCELED"))
}

func orderView(o venue.Order, status string) map[string]any {
	return map[string]any{
		"symbol": o.Market, "orderId": o.ID, "clientOrderId": o.ClientID, "price": o.Price, "origQty": o.Amount, "executedQty": "0",
		"cummulativeQuoteQty": "0", "status": status, "type": o.Kind, "side": o.Side, "time": o.Placed.UnixMilli(), "isWorking": true,
	}
}
