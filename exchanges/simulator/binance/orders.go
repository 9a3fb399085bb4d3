package binance

import (
	"strconv"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// sectionOf is the section that a request belongs to: the first part of its path.
func sectionOf(c *venue.Call) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, "/"), "/")
	return first
}

// openOrders answers GET /api/v3/openOrders, which any key may read.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := e.params(c)
	symbol := p.Text("symbol")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	rows := []any{}
	for _, o := range c.OpenOrders(sectionOf(c), symbol) {
		rows = append(rows, e.orderView(o, "NEW"))
	}
	return e.ok(c, rows)
}

// cancelOrder answers DELETE /api/v3/order.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := e.params(c)
	e.required(p, "symbol")
	id, clientID := p.Text("orderId"), p.Text("origClientOrderId")
	p.Check("orderId", id+clientID != "")
	p.Ignore("newClientOrderId", "cancelRestrictions")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	o, found := c.CancelOrder(sectionOf(c), id, clientID)
	if !found {
		return e.refuse(c, cancelRejected, "Unknown order sent.")
	}
	return e.ok(c, e.orderView(o, "CANCELED"))
}

func (e *exchange) orderView(o venue.Order, status string) map[string]any {
	id, err := strconv.ParseInt(o.ID, 10, 64)
	if err != nil {
		panic(err) // ids are numbers
	}
	return map[string]any{
		"symbol": o.Market, "orderId": id, "orderListId": -1, "clientOrderId": o.ClientID, "price": o.Price, "origQty": o.Amount,
		"executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000", "status": status, "timeInForce": "GTC", "type": o.Kind,
		"side": o.Side, "time": o.Placed.UnixMilli(), "updateTime": o.Placed.UnixMilli(), "isWorking": true,
	}
}
