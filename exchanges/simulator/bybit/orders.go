package bybit

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// categoryRight is the permission that each category of orders needs.
func categoryRight(category string) string {
	return map[string]string{
		"spot": "Spot:SpotTrade", "linear": "ContractTrade:Order", "inverse": "ContractTrade:Order", "option": "Options:OptionsTrade",
	}[category]
}

// accountInfo answers GET /v5/account/info, which any key may read. The account is a
// unified one of version 2.
func (e *exchange) accountInfo(c *venue.Call) *venue.Answer {
	if why := venue.FormParams(c.URL.RawQuery).StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]any{
		"unifiedMarginStatus": 6, "marginMode": "REGULAR_MARGIN", "isMasterTrader": false, "spotHedgingStatus": "OFF",
		"updatedTime": millis(c.Key.Account.Created), "dcpStatus": "OFF", "timeWindow": 10, "smpGroup": 0,
	})
}

// openOrders answers GET /v5/order/realtime. Contracts are asked for by symbol, base
// coin or settle coin.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("category")
	category, symbol := p.Text("category"), p.Text("symbol")
	id, link := p.Text("orderId"), p.Text("orderLinkId")
	p.Check("category", categoryRight(category) != "")
	p.Check("symbol", category == "spot" || category == "option" || symbol+p.Text("baseCoin")+p.Text("settleCoin") != "")
	p.Integer("openOnly", 0)
	p.Integer("limit", 20)
	p.Ignore("baseCoin", "settleCoin", "orderFilter", "cursor")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	if !c.Key.Has(categoryRight(category)) {
		return e.noPermission(c)
	}
	rows := []any{}
	for _, o := range c.OpenOrders(category, symbol) {
		if id != "" && id != o.ID || link != "" && link != o.ClientID {
			continue
		}
		rows = append(rows, map[string]any{
			"orderId": o.ID, "orderLinkId": o.ClientID, "symbol": o.Market, "side": o.Side, "orderType": o.Kind, "price": o.Price,
			"qty": o.Amount, "leavesQty": o.Amount, "cumExecQty": "0", "cumExecValue": "0", "cumExecFee": "0", "avgPrice": "",
			"orderStatus": "New", "rejectReason": "EC_NoError", "timeInForce": "GTC", "reduceOnly": false,
			"createdTime": millis(o.Placed), "updatedTime": millis(o.Placed),
		})
	}
	return e.ok(c, map[string]any{"category": category, "nextPageCursor": "", "list": rows})
}

// cancelOrder answers POST /v5/order/cancel. The code for an order that does not
// exist depends on the category.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("category", "symbol")
	p.Text("symbol")
	category, id, link := p.Text("category"), p.Text("orderId"), p.Text("orderLinkId")
	p.Check("category", categoryRight(category) != "")
	p.Check("orderId", id+link != "")
	p.Text("orderFilter")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	if c.Key.Has(readOnlyMark) || !c.Key.Has(categoryRight(category)) {
		return e.noPermission(c)
	}
	o, found := c.CancelOrder(category, id, link)
	switch {
	case !found && category == "spot":
		return e.refuse(c, noSpotOrder, "Order does not exist.")
	case !found:
		return e.refuse(c, noOrder, "order not exists or too late to cancel")
	}
	return e.reply(c, codeOK, "OK", map[string]string{"orderId": o.ID, "orderLinkId": o.ClientID})
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
