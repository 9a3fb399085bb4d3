package bingx

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// balance answers GET /openApi/spot/v1/account/balance.
func (e *exchange) balance(c *venue.Call) *venue.Answer {
	if why := e.params(c).StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	return e.ok(c, map[string]any{"balances": []any{map[string]string{"asset": "USDT", "free": "1000", "locked": "0"}}})
}

// done accepts whatever is asked: nothing ever fills or moves. It tolerates
// parameters that it does not require: there are many, and none concerns keys.
func (e *exchange) done(required ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := e.params(c)
		p.Require(required...)
		if why := p.Complaint(); why != nil {
			return e.malformed(c, why)
		}
		return e.ok(c, map[string]string{"id": venue.RandomNumber(18)})
	}
}
