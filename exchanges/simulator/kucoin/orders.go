package kucoin

import (
	"net/http"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// The sections of orders.
const (
	spotSection    = "spot"
	marginSection  = "margin"
	futuresSection = "futures"
)

// oldOrder finds the route of POST /api/v1/orders. KuCoin has the path on two hosts:
// on that for spot trading it is the deprecated call that most clients still use, on
// that for futures the current one. Only futures have symbols without a hyphen.
func (e *exchange) oldOrder(c *venue.Call) venue.Route {
	chosen := venue.Route{Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.order(spotSection)}
	if symbol := venue.JSONParams(c.Body).Text("symbol"); symbol != "" && !strings.Contains(symbol, "-") {
		chosen.Permit, chosen.Handle = e.needs(futures), e.order(futuresSection)
	}
	return chosen
}

// accountMode answers GET /api/ua/v1/account/mode.
func (e *exchange) accountMode(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]string{"selfAccountMode": "CLASSIC"})
}

// highFrequency answers GET /api/v1/hf/accounts/opened: the account has been moved to
// the newer trading system, as all are.
func (e *exchange) highFrequency(c *venue.Call) *venue.Answer { return e.ok(c, true) }

// openOrders answers GET /api/v1/hf/orders/active, and the deprecated GET
// /api/v1/orders, which wraps the same rows in a page.
func (e *exchange) openOrders(paged bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.FormParams(c.URL.RawQuery)
		symbol := p.Text("symbol")
		p.Text("tradeType")
		if paged {
			status := p.Text("status")
			p.Check("status", status == "active")
			p.Ignore("side", "type", "startAt", "endAt", "currentPage", "pageSize")
		} else {
			p.Check("symbol", symbol != "")
		}
		if why := p.StrictComplaint(); why != nil {
			return e.badParameter(c, why)
		}
		rows := []any{}
		for _, o := range c.OpenOrders(spotSection, symbol) {
			rows = append(rows, map[string]any{
				"id": o.ID, "clientOid": o.ClientID, "symbol": o.Market, "type": o.Kind, "side": o.Side, "price": o.Price, "size": o.Amount,
				"dealSize": "0", "dealFunds": "0", "fee": "0", "timeInForce": "GTC", "tradeType": "TRADE", "active": true,
				"isActive": true, "cancelExist": false, "createdAt": o.Placed.UnixMilli(),
			})
		}
		if !paged {
			return e.ok(c, rows)
		}
		return e.ok(c, map[string]any{"currentPage": 1, "pageSize": 50, "totalNum": len(rows), "totalPage": 1, "items": rows})
	}
}

// cancelOrder answers DELETE /api/v1/hf/orders/{orderId}, and the deprecated DELETE
// /api/v1/orders/{orderId}, which names no symbol and answers with a list.
func (e *exchange) cancelOrder(old bool) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.FormParams(c.URL.RawQuery)
		if !old {
			p.Require("symbol")
			p.Text("symbol")
		}
		if why := p.StrictComplaint(); why != nil {
			return e.badParameter(c, why)
		}
		o, found := c.CancelOrder(spotSection, c.PathValue("orderId"), "")
		switch {
		case !found:
			return e.refuse(c, http.StatusBadRequest, badParameter, "order_not_exist_or_not_allow_to_cancel")
		case old:
			return e.ok(c, map[string]any{"cancelledOrderIds": []string{o.ID}})
		}
		return e.ok(c, map[string]string{"orderId": o.ID})
	}
}
