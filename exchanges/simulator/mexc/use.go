package mexc

import (
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// spotAccount answers GET /api/v3/account. It describes the account, not the
// calling key.
func (e *exchange) spotAccount(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	return e.ok(map[string]any{
		"canTrade": true, "canWithdraw": true, "canDeposit": true, "accountType": "SPOT", "permissions": []string{"SPOT"},
		"balances": []any{map[string]string{"asset": "USDT", "free": "1000", "locked": "0"}},
	})
}

// order answers POST /api/v3/order. Like the calls below it accepts what is
// asked, and nothing ever fills it. It tolerates parameters that it does not
// check: there are many, and none concerns keys.
func (e *exchange) order(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("symbol")
	side, kind := p.Text("side"), p.Text("type")
	p.Check("side", side == "BUY" || side == "SELL")
	p.Check("type", kind == "MARKET" || kind == "LIMIT")
	p.Check("quantity", isAmount(p.Text("quantity")))
	p.Check("price", kind == "MARKET" || isAmount(p.Text("price")))
	o := venue.Order{
		ID: "C02__" + venue.RandomNumber(18), ClientID: p.Text("newClientOrderId"), Section: spotSection, Market: p.Text("symbol"),
		Side: side, Kind: kind, Price: p.Text("price"), Amount: p.Text("quantity"),
	}
	answer := e.use(c, p, map[string]any{"symbol": o.Market, "orderId": o.ID, "clientOrderId": o.ClientID, "type": kind, "side": side})
	if answer.Status == http.StatusOK {
		c.PlaceOrder(o)
	}
	return answer
}

// futuresOrder answers an order for futures.
func (e *exchange) futuresOrder(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("symbol")
	p.Check("vol", isAmount(p.Text("vol")))
	return e.use(c, p, map[string]any{"success": true, "code": 0, "data": venue.RandomNumber(18)})
}

// transfer answers POST /api/v3/capital/transfer, between wallets of one
// account.
func (e *exchange) transfer(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("fromAccountType", "toAccountType", "asset")
	p.Check("toAccountType", p.Text("fromAccountType") != p.Text("toAccountType"))
	p.Check("amount", isAmount(p.Text("amount")))
	return e.use(c, p, []any{map[string]string{"tranId": venue.RandomNumber(18)}})
}

// use answers unless something is wrong with the parameters or with the
// account.
func (e *exchange) use(c *venue.Call, p *venue.Params, done any) *venue.Answer {
	switch why := p.Complaint(); {
	case why != nil:
		return e.malformed(why)
	case c.Key.Account.Frozen:
		return e.refuse(frozen, "sub account is forbidden")
	}
	return e.ok(done)
}

func isAmount(text string) bool {
	amount, err := strconv.ParseFloat(text, 64)
	return err == nil && amount > 0
}
