package binance

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotAccount answers GET /api/v3/account, which any key may read.
func (e *exchange) spotAccount(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Flag("omitZeroBalances", false)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]any{
		"canTrade": c.Key.Has(trade), "canWithdraw": false, "canDeposit": true, "accountType": "SPOT",
		"updateTime": c.Now.UnixMilli(),
		"balances":   []any{map[string]string{"asset": "USDT", "free": "1000.00000000", "locked": "0.00000000"}},
	})
}

// order answers POST /api/v3/order and its counterparts for futures and
// options. It accepts the order, and nothing ever fills it. It tolerates
// parameters that it does not check: there are many, and none concerns keys.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	p := e.params(c)
	symbol, side, kind := e.required(p, "symbol"), e.required(p, "side"), e.required(p, "type")
	quantity, err := strconv.ParseFloat(e.required(p, "quantity"), 64)
	p.Check("side", side == "BUY" || side == "SELL")
	p.Check("type", kind == "MARKET" || kind == "LIMIT")
	p.Check("quantity", err == nil && quantity > 0)
	p.Check("price", kind == "MARKET" || p.Text("price") != "")
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	id, clientID := e.nextOrder(), p.Text("newClientOrderId")
	c.PlaceOrder(venue.Order{
		ID: strconv.FormatInt(id, 10), ClientID: clientID, Section: sectionOf(c), Market: symbol, Side: side, Kind: kind,
		Price: p.Text("price"), Amount: p.Text("quantity"),
	})
	return e.ok(c, map[string]any{
		"symbol": symbol, "orderId": id, "clientOrderId": clientID, "transactTime": c.Now.UnixMilli(), "status": "NEW",
	})
}

// borrow answers POST /sapi/v1/margin/borrow-repay.
func (e *exchange) borrow(c *venue.Call) *venue.Answer {
	p := e.params(c)
	e.required(p, "asset")
	e.required(p, "symbol")
	isolated, kind := e.required(p, "isIsolated"), e.required(p, "type")
	p.Check("isIsolated", isolated == "TRUE" || isolated == "FALSE")
	p.Check("type", kind == "BORROW" || kind == "REPAY")
	return e.move(c, p)
}

// transfer answers POST /sapi/v1/asset/transfer, between the wallets of one
// account.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := e.params(c)
	e.required(p, "asset")
	e.required(p, "type")
	return e.move(c, p)
}

// move reads the amount and answers with the number of the movement.
func (e *exchange) move(c *venue.Call, p *venue.Params) *venue.Answer {
	amount, err := strconv.ParseFloat(e.required(p, "amount"), 64)
	p.Check("amount", err == nil && amount > 0)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return e.ok(c, map[string]int64{"tranId": e.nextOrder()})
}

func (e *exchange) nextOrder() int64 {
	e.orderID++
	return e.orderID
}
