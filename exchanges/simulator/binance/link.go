package binance

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// binanceLinkFlags are the permissions that Exchange Link gives when it creates
// a key.
func binanceLinkFlags() []string {
	return []string{binanceTrade, binanceLinkMargin, binanceLinkFutures}
}

// linkSubAccountOf is the sub-account that a request names.
func (b *binance) linkSubAccountOf(c *venue.Call) string { return b.params(c).Text("subAccountId") }

// createLinkKey answers POST /sapi/v1/broker/subAccountApi. The key has no label
// and is bound to no address.
func (b *binance) createLinkKey(c *venue.Call) *venue.Answer {
	p := b.params(c)
	k := &venue.Key{APIKey: binanceKeyText(), Created: c.Now}
	p.Require(binanceTrade)
	asked := b.flags(p, binanceLinkFlags()...)
	b.readPublicKey(p, k)
	sub, refusal := b.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	k.Account = sub
	k.Permissions = c.Grant(asked, binanceLinkFutures, binanceLinkMargin)
	c.Books.AddKey(k)
	return b.ok(c, b.setFlags(map[string]any{
		"subaccountId": sub.ID, "apiKey": k.APIKey, "secretKey": k.Secret,
	}, k, binanceLinkFlags()...))
}

// listLinkKeys answers GET /sapi/v1/broker/subAccountApi. It shows the first
// characters of each key only, and tells neither addresses nor the permissions
// that have a request of their own.
func (b *binance) listLinkKeys(c *venue.Call) *venue.Answer {
	p := b.params(c)
	apiKey, page, size := p.Text("subAccountApiKey"), p.Integer("page", 1), p.Integer("size", 500)
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 500)
	sub, refusal := b.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	rows := []map[string]any{}
	for _, k := range c.Books.KeysOf(sub) {
		if apiKey == "" || k.APIKey == apiKey {
			rows = append(rows, b.setFlags(map[string]any{
				"subaccountId": sub.ID, "apikey": k.APIKey[:3] + strings.Repeat("*", 13),
			}, k, binanceLinkFlags()...))
		}
	}
	return b.ok(c, binancePage(rows, page, size))
}

// deleteLinkKey answers DELETE /sapi/v1/broker/subAccountApi.
func (b *binance) deleteLinkKey(c *venue.Call) *venue.Answer { return b.deleteKey(c, "subAccountId") }

// permitLink sets the named permissions of a key, all of which the request must
// tell.
func (b *binance) permitLink(c *venue.Call, names ...string) *venue.Answer {
	p := b.params(c)
	p.Require(names...)
	k, refusal := b.permit(c, p, "subAccountId", names...)
	if refusal != nil {
		return refusal
	}
	return b.ok(c, b.setFlags(map[string]any{"subaccountId": k.Account.ID, "apikey": k.APIKey}, k, names...))
}

// permitLinkKey answers POST /sapi/v1/broker/subAccountApi/permission.
func (b *binance) permitLinkKey(c *venue.Call) *venue.Answer {
	return b.permitLink(c, binanceLinkFlags()...)
}

// permitLinkTransfer answers POST .../permission/universalTransfer.
func (b *binance) permitLinkTransfer(c *venue.Call) *venue.Answer {
	return b.permitLink(c, binanceTransfer)
}

// permitLinkOptions answers POST .../permission/vanillaOptions, after the model
// of permitLinkTransfer.
func (b *binance) permitLinkOptions(c *venue.Call) *venue.Answer {
	return b.permitLink(c, binanceOptions)
}

// restrictLinkKey answers POST /sapi/v2/broker/subAccountApi/ipRestriction.
func (b *binance) restrictLinkKey(c *venue.Call) *venue.Answer { return b.restrict(c, "subAccountId") }

// linkAddresses answers GET /sapi/v1/broker/subAccountApi/ipRestriction.
func (b *binance) linkAddresses(c *venue.Call) *venue.Answer {
	k, refusal := b.target(c, b.params(c), "subAccountId")
	if refusal != nil {
		return refusal
	}
	return b.ok(c, map[string]any{
		"subaccountId": k.Account.ID, "ipRestrict": len(k.IPs) > 0, "apikey": k.APIKey, "ipList": b.ipList(k),
		"updateTime": c.Now.UnixMilli(),
	})
}
