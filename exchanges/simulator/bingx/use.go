package bingx

import "vault-plugin-secrets-exchange/exchanges/simulator/venue"

// balance answers GET /openApi/spot/v1/account/balance.
func (b *bingx) balance(c *venue.Call) *venue.Answer {
	if why := b.params(c).StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	return b.ok(c, map[string]any{"balances": []any{map[string]string{"asset": "USDT", "free": "1000", "locked": "0"}}})
}

// done accepts what is asked: nothing ever fills or moves. Parameters beyond
// those required are tolerated: there are many, and none has to do with keys.
func (b *bingx) done(required ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := b.params(c)
		p.Require(required...)
		if why := p.Complaint(); why != nil {
			return b.malformed(c, why)
		}
		return b.ok(c, map[string]string{"id": venue.RandomNumber(18)})
	}
}
