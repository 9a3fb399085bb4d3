package binance

import (
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotAccount answers GET /api/v3/account, which any key may read.
func (b *binance) spotAccount(c *venue.Call) *venue.Answer {
	p := b.params(c)
	p.Flag("omitZeroBalances", false)
	if why := p.StrictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]any{
		"canTrade": c.Key.Has(binanceTrade), "canWithdraw": false, "canDeposit": true, "accountType": "SPOT",
		"updateTime": c.Now.UnixMilli(),
		"balances":   []any{map[string]string{"asset": "USDT", "free": "1000.00000000", "locked": "0.00000000"}},
	})
}

// order answers POST /api/v3/order and its like for futures and options. It
// accepts the order, and nothing ever fills it. Parameters beyond those checked
// are tolerated: there are many, and none has to do with keys.
func (b *binance) order(c *venue.Call) *venue.Answer {
	p := b.params(c)
	symbol, side, kind := b.required(p, "symbol"), b.required(p, "side"), b.required(p, "type")
	quantity, err := strconv.ParseFloat(b.required(p, "quantity"), 64)
	p.Check("side", side == "BUY" || side == "SELL")
	p.Check("type", kind == "MARKET" || kind == "LIMIT")
	p.Check("quantity", err == nil && quantity > 0)
	p.Check("price", kind == "MARKET" || p.Text("price") != "")
	if why := p.Complaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]any{"symbol": symbol, "orderId": b.nextOrder(), "transactTime": c.Now.UnixMilli(), "status": "NEW"})
}

// borrow answers POST /sapi/v1/margin/borrow-repay.
func (b *binance) borrow(c *venue.Call) *venue.Answer {
	p := b.params(c)
	b.required(p, "asset")
	b.required(p, "symbol")
	isolated, kind := b.required(p, "isIsolated"), b.required(p, "type")
	p.Check("isIsolated", isolated == "TRUE" || isolated == "FALSE")
	p.Check("type", kind == "BORROW" || kind == "REPAY")
	return b.move(c, p)
}

// transfer answers POST /sapi/v1/asset/transfer, between the wallets of one
// account.
func (b *binance) transfer(c *venue.Call) *venue.Answer {
	p := b.params(c)
	b.required(p, "asset")
	b.required(p, "type")
	return b.move(c, p)
}

// move reads the amount and answers with the number of the movement.
func (b *binance) move(c *venue.Call, p *venue.Params) *venue.Answer {
	amount, err := strconv.ParseFloat(b.required(p, "amount"), 64)
	p.Check("amount", err == nil && amount > 0)
	if why := p.StrictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	return b.ok(c, map[string]int64{"tranId": b.nextOrder()})
}

func (b *binance) nextOrder() int64 {
	b.orderID++
	return b.orderID
}
