package gate

import (
	"net/http"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotSection is the section of orders of the spot API, by the parameter that names
// their market.
const spotSection = "currency_pair"

// openOrders answers GET /spot/open_orders: one group for each market.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Integer("page", 1)
	p.Integer("limit", 100)
	p.Text("account")
	// The documentation does not have these, but clients send them.
	p.Ignore(spotSection, "status")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	byMarket, sections := map[string][]any{}, []any{}
	var markets []string
	for _, o := range c.OpenOrders(spotSection, "") {
		if byMarket[o.Market] == nil {
			markets = append(markets, o.Market)
		}
		byMarket[o.Market] = append(byMarket[o.Market], orderView(o, "open"))
	}
	for _, market := range markets {
		sections = append(sections, map[string]any{spotSection: market, "total": len(byMarket[market]), "orders": byMarket[market]})
	}
	return e.ok(c, http.StatusOK, sections)
}

// ordersOf answers GET /spot/orders: the open orders of one market. No order is ever
// filled, and the simulator forgets what was cancelled, so none is finished.
func (e *exchange) ordersOf(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require(spotSection, "status")
	market, status := p.Text(spotSection), p.Text("status")
	p.Check("status", status == "open" || status == "finished")
	p.Integer("page", 1)
	p.Integer("limit", 100)
	p.Ignore("account", "from", "to", "side")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	orders := []any{}
	if status == "open" {
		for _, o := range c.OpenOrders(spotSection, market) {
			orders = append(orders, orderView(o, "open"))
		}
	}
	return e.ok(c, http.StatusOK, orders)
}

// cancelOrder answers DELETE /spot/orders/{order_id}. The client's own name for an
// order begins with t- and may stand in place of the id.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require(spotSection)
	p.Ignore(spotSection, "account", "action_mode")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	name := c.PathValue("order_id")
	o, found := c.CancelOrder(spotSection, name, "")
	if !found {
		o, found = c.CancelOrder(spotSection, "", name)
	}
	if !found {
		// The documentation gives no status for this label.
		return e.refuse(c, http.StatusNotFound, "ORDER_NOT_FOUND", "Order not found")
	}
	return e.ok(c, http.StatusOK, orderView(o, "cancelled"))
}

func orderView(o venue.Order, status string) map[string]any {
	return map[string]any{
		"id": o.ID, "text": o.ClientID, "currency_pair": o.Market, "account": "spot", "type": o.Kind, "side": o.Side,
		"amount": o.Amount, "price": o.Price, "left": o.Amount, "filled_total": "0", "time_in_force": "gtc", "status": status,
		"create_time_ms": o.Placed.UnixMilli(), "update_time_ms": o.Placed.UnixMilli(),
	}
}
