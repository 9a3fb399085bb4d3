package simulator

import "strings"

// binanceLinkFlags are the permissions that Exchange Link gives when it creates
// a key.
func binanceLinkFlags() []string {
	return []string{binanceTrade, binanceLinkMargin, binanceLinkFutures}
}

// linkSubAccountOf is the sub-account that a request names.
func (b *binance) linkSubAccountOf(c *call) string { return b.params(c).text("subAccountId") }

// createLinkKey answers POST /sapi/v1/broker/subAccountApi. The key has no label
// and is bound to no address.
func (b *binance) createLinkKey(c *call) *answer {
	p := b.params(c)
	k := &key{apiKey: binanceKeyText(), created: c.now}
	p.require(binanceTrade)
	asked := b.flags(p, binanceLinkFlags()...)
	b.readPublicKey(p, k)
	sub, refusal := b.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	k.account = sub
	k.permissions = c.grant(asked, binanceLinkFutures, binanceLinkMargin)
	c.books.addKey(k)
	return b.ok(c, b.setFlags(map[string]any{
		"subaccountId": sub.id, "apiKey": k.apiKey, "secretKey": k.secret,
	}, k, binanceLinkFlags()...))
}

// listLinkKeys answers GET /sapi/v1/broker/subAccountApi. It shows the first
// characters of each key only, and tells neither addresses nor the permissions
// that have a request of their own.
func (b *binance) listLinkKeys(c *call) *answer {
	p := b.params(c)
	apiKey, page, size := p.text("subAccountApiKey"), p.integer("page", 1), p.integer("size", 500)
	p.check("page", page >= 1)
	p.check("size", size >= 1 && size <= 500)
	sub, refusal := b.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	rows := []map[string]any{}
	for _, k := range c.books.keysOf(sub) {
		if apiKey == "" || k.apiKey == apiKey {
			rows = append(rows, b.setFlags(map[string]any{
				"subaccountId": sub.id, "apikey": k.apiKey[:3] + strings.Repeat("*", 13),
			}, k, binanceLinkFlags()...))
		}
	}
	return b.ok(c, binancePage(rows, page, size))
}

// deleteLinkKey answers DELETE /sapi/v1/broker/subAccountApi.
func (b *binance) deleteLinkKey(c *call) *answer { return b.deleteKey(c, "subAccountId") }

// permitLink sets the named permissions of a key, all of which the request must
// tell.
func (b *binance) permitLink(c *call, names ...string) *answer {
	p := b.params(c)
	p.require(names...)
	k, refusal := b.permit(c, p, "subAccountId", names...)
	if refusal != nil {
		return refusal
	}
	return b.ok(c, b.setFlags(map[string]any{"subaccountId": k.account.id, "apikey": k.apiKey}, k, names...))
}

// permitLinkKey answers POST /sapi/v1/broker/subAccountApi/permission.
func (b *binance) permitLinkKey(c *call) *answer { return b.permitLink(c, binanceLinkFlags()...) }

// permitLinkTransfer answers POST .../permission/universalTransfer.
func (b *binance) permitLinkTransfer(c *call) *answer { return b.permitLink(c, binanceTransfer) }

// permitLinkOptions answers POST .../permission/vanillaOptions, after the model
// of permitLinkTransfer.
func (b *binance) permitLinkOptions(c *call) *answer { return b.permitLink(c, binanceOptions) }

// restrictLinkKey answers POST /sapi/v2/broker/subAccountApi/ipRestriction.
func (b *binance) restrictLinkKey(c *call) *answer { return b.restrict(c, "subAccountId") }

// linkAddresses answers GET /sapi/v1/broker/subAccountApi/ipRestriction.
func (b *binance) linkAddresses(c *call) *answer {
	k, refusal := b.target(c, b.params(c), "subAccountId")
	if refusal != nil {
		return refusal
	}
	return b.ok(c, map[string]any{
		"subaccountId": k.account.id, "ipRestrict": len(k.ips) > 0, "apikey": k.apiKey, "ipList": b.ipList(k),
		"updateTime": c.now.UnixMilli(),
	})
}
