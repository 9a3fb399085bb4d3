package whitebit

import (
	"encoding/json"
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// section is the only one: all orders of an account share one list.
const section = "orders"

// order answers the calls that place a limit order. It accepts the order, and
// nothing ever fills it.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("market", "side", "amount", "price")
	o := venue.Order{
		ID: venue.RandomNumber(10), ClientID: p.Text("clientOrderId"), Section: section, Market: p.Text("market"), Side: p.Text("side"),
		Kind: "limit", Price: p.Text("price"), Amount: p.Text("amount"), Placed: c.Now,
	}
	p.Check("side", o.Side == "buy" || o.Side == "sell")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	c.PlaceOrder(o)
	return e.ok(http.StatusOK, orderView(o, "NEW"))
}

// openOrders answers POST /api/v4/orders.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	market, id, clientID := p.Text("market"), p.Integer("orderId", 0), p.Text("clientOrderId")
	p.Integer("limit", 50)
	p.Integer("offset", 0)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	rows := []any{}
	for _, o := range c.OpenOrders(section, market) {
		if (id == 0 || o.ID == strconv.FormatInt(id, 10)) && (clientID == "" || o.ClientID == clientID) {
			rows = append(rows, orderView(o, "NEW"))
		}
	}
	return e.ok(http.StatusOK, rows)
}

// cancelOrder answers POST /api/v4/order/cancel.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("market")
	p.Text("market")
	clientID, id := p.Text("clientOrderId"), ""
	if clientID == "" {
		p.Require("orderId")
		id = strconv.FormatInt(p.Integer("orderId", 0), 10)
	}
	p.Ignore("orderId")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	o, found := c.CancelOrder(section, id, clientID)
	if !found {
		return venue.JSONAnswer(http.StatusUnprocessableEntity, map[string]any{
			"code": 2, "message": "Inner validation failed", "errors": map[string][]string{"order_id": {"Unexecuted order was not found."}},
		})
	}
	return e.ok(http.StatusOK, orderView(o, "CANCELED"))
}

func orderView(o venue.Order, status string) map[string]any {
	return map[string]any{
		"orderId": json.Number(o.ID), "clientOrderId": o.ClientID, "market": o.Market, "side": o.Side, "type": o.Kind, "timestamp": o.Placed.Unix(),
		"dealMoney": "0", "dealStock": "0", "amount": o.Amount, "left": o.Amount, "price": o.Price, "dealFee": "0", "ioc": false,
		"postOnly": false, "status": status,
	}
}
