package bitget

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// sectionOf is where the orders of a request belong: the category of a unified
// account, else the part of the API that the path names, such as spot.
func (e *exchange) sectionOf(c *venue.Call, category string) string {
	if e.isUnified(c) {
		return strings.ToUpper(category)
	}
	part, _, _ := strings.Cut(strings.TrimPrefix(c.URL.Path, "/api/v2/"), "/")
	return part
}

// openOrders answers GET /api/v3/trade/unfilled-orders, in all categories if it names
// none, and GET /api/v2/spot/trade/unfilled-orders.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	category, symbol := p.Text("category"), p.Text("symbol")
	p.Ignore("startTime", "endTime", "limit", "cursor", "orderId", "idLessThan", "tpslType", "requestTime", "receiveWindow")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sections := []string{e.sectionOf(c, category)}
	if e.isUnified(c) && category == "" {
		sections = []string{"SPOT", "MARGIN", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"}
	}
	rows := []any{}
	for _, section := range sections {
		for _, o := range c.OpenOrders(section, symbol) {
			row := map[string]string{
				"orderId": o.ID, "clientOid": o.ClientID, "symbol": o.Market, "side": o.Side, "orderType": o.Kind, "price": o.Price,
			}
			if e.isUnified(c) {
				row["category"], row["qty"], row["orderStatus"], row["cumExecQty"] = section, o.Amount, "live", "0"
				row["timeInForce"], row["createdTime"], row["updatedTime"] = "gtc", millis(o.Placed), millis(o.Placed)
			} else {
				row["size"], row["status"], row["baseVolume"], row["quoteVolume"] = o.Amount, "live", "0", "0"
				row["cTime"], row["uTime"] = millis(o.Placed), millis(o.Placed)
			}
			rows = append(rows, row)
		}
	}
	if e.isUnified(c) {
		return e.ok(c, map[string]any{"list": rows, "cursor": ""})
	}
	return e.ok(c, rows)
}

// cancelOrder answers POST /api/v3/trade/cancel-order and
// /api/v2/spot/trade/cancel-order.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	id, clientID, category := p.Text("orderId"), p.Text("clientOid"), p.Text("category")
	p.Check("orderId", id+clientID != "")
	if !e.isUnified(c) {
		p.Require("symbol")
	}
	p.Ignore("symbol", "tpslType", "requestTime", "receiveWindow")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sections := []string{e.sectionOf(c, category)}
	if e.isUnified(c) && category == "" {
		sections = []string{"SPOT", "MARGIN", "USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES"}
	}
	for _, section := range sections {
		if o, found := c.CancelOrder(section, id, clientID); found {
			return e.ok(c, map[string]string{"orderId": o.ID, "clientOid": o.ClientID})
		}
	}
	if e.isUnified(c) {
		return e.refuse(c, noUnifiedOrder)
	}
	return e.refuse(c, noOrder)
}
