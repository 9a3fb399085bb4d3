package okx

import (
	"encoding/json"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// section is the only one: all instruments share their order book of the account.
const section = "trade"

// maxBatch is how many orders one request may place.
const maxBatch = 20

// batch answers POST /api/v5/trade/batch-orders. An order that is malformed refuses
// them all.
func (e *exchange) batch(c *venue.Call) *venue.Answer {
	var orders []json.RawMessage
	if json.Unmarshal(c.Body, &orders) != nil {
		return e.refuse(c, badJSON)
	}
	if len(orders) == 0 || len(orders) > maxBatch {
		return e.refuse(c, parameterWrong, "Arguments")
	}
	var read []venue.Order
	for _, text := range orders {
		o, why := readOrder(text)
		if why != nil {
			return e.badParameter(c, why)
		}
		read = append(read, o)
	}
	var rows []any
	for _, o := range read {
		rows = append(rows, e.place(c, o))
	}
	return e.ok(rows...)
}

// readOrder reads one order. It tolerates parameters that it does not check: there
// are many, and none concerns keys.
func readOrder(text []byte) (venue.Order, *venue.Complaint) {
	p := venue.JSONParams(text)
	p.Require("instId", "tdMode", "side", "ordType", "sz")
	o := venue.Order{
		ID: venue.RandomNumber(19), ClientID: p.Text("clOrdId"), Section: section, Market: p.Text("instId"),
		Side: p.Text("side"), Kind: p.Text("ordType"), Price: p.Text("px"), Amount: p.Text("sz"),
	}
	mode := p.Text("tdMode")
	p.Check("tdMode", mode == "cash" || mode == "cross" || mode == "isolated")
	p.Check("side", o.Side == "buy" || o.Side == "sell")
	p.Check("ordType", o.Kind == "market" || o.Kind == "limit")
	p.Check("sz", isAmount(o.Amount))
	p.Check("px", o.Kind != "limit" || isAmount(o.Price))
	return o, p.Complaint()
}

// place accepts an order and returns its row of the answer.
func (e *exchange) place(c *venue.Call, o venue.Order) any {
	c.PlaceOrder(o)
	return map[string]string{
		"ordId": o.ID, "clOrdId": o.ClientID, "tag": "", "ts": millis(c.Now), "sCode": "0", "sMsg": "Order placed",
	}
}

// openOrders answers GET /api/v5/trade/orders-pending.
func (e *exchange) openOrders(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	instrument := p.Text("instId")
	p.Integer("limit", 100)
	p.Ignore("instType", "uly", "instFamily", "ordType", "state", "after", "before")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	var rows []any
	for _, o := range c.OpenOrders(section, instrument) {
		rows = append(rows, map[string]string{
			"instType": "SPOT", "instId": o.Market, "ordId": o.ID, "clOrdId": o.ClientID, "px": o.Price, "sz": o.Amount,
			"side": o.Side, "ordType": o.Kind, "state": "live", "accFillSz": "0", "avgPx": "", "fee": "0", "feeCcy": "",
			"tag": "", "cTime": millis(o.Placed), "uTime": millis(o.Placed),
		})
	}
	return e.ok(rows...)
}

// cancelOrder answers POST /api/v5/trade/cancel-order. Like all refusals of a single
// order, that of one which does not exist stands in its row.
func (e *exchange) cancelOrder(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("instId")
	p.Text("instId")
	p.Ignore("tag") // Clients put their broker's code into every call.
	id, clientID := p.Text("ordId"), p.Text("clOrdId")
	p.Check("ordId", id+clientID != "")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	o, found := c.CancelOrder(section, id, clientID)
	if !found {
		return venue.JSONAnswer(http.StatusOK, map[string]any{"code": "1", "msg": "All operations failed", "data": []any{map[string]string{
			"ordId": id, "clOrdId": clientID, "ts": millis(c.Now), "sCode": noOrder,
			"sMsg": "Cancellation failed as the order has been filled, canceled or does not exist.",
		}}})
	}
	return e.ok(map[string]string{"ordId": o.ID, "clOrdId": o.ClientID, "ts": millis(c.Now), "sCode": "0", "sMsg": ""})
}
