package simulator

// balance answers GET /openApi/spot/v1/account/balance.
func (b *bingx) balance(c *call) *answer {
	if why := b.params(c).strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	return b.ok(c, map[string]any{"balances": []any{map[string]string{"asset": "USDT", "free": "1000", "locked": "0"}}})
}

// done accepts what is asked: nothing ever fills or moves. Parameters beyond
// those required are tolerated: there are many, and none has to do with keys.
func (b *bingx) done(required ...string) func(*call) *answer {
	return func(c *call) *answer {
		p := b.params(c)
		p.require(required...)
		if why := p.complaint(); why != nil {
			return b.malformed(c, why)
		}
		return b.ok(c, map[string]string{"id": randomNumber(18)})
	}
}
