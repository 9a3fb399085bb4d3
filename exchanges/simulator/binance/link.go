package binance

import (
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// linkFlags are the permissions that Exchange Link gives when it creates
// a key.
func linkFlags() []string {
	return []string{trade, linkMargin, linkFutures}
}

// linkSubAccountOf is the sub-account that a request names.
func (e *exchange) linkSubAccountOf(c *venue.Call) string { return e.params(c).Text("subAccountId") }

// createLinkKey answers POST /sapi/v1/broker/subAccountApi. The key has no label
// and is bound to no address.
func (e *exchange) createLinkKey(c *venue.Call) *venue.Answer {
	p := e.params(c)
	k := &venue.Key{APIKey: keyText(), Created: c.Now}
	p.Require(trade)
	asked := e.flags(p, linkFlags()...)
	e.readPublicKey(c, p, k)
	sub, refusal := e.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	k.Account = sub
	k.Permissions = c.Grant(asked, linkFutures, linkMargin)
	c.Books.AddKey(k)
	body := map[string]any{"subaccountId": sub.ID, "apiKey": k.APIKey}
	e.setSecret(c, body, k, asEmpty)
	return e.ok(c, e.setFlags(body, k, linkFlags()...))
}

// listLinkKeys answers GET /sapi/v1/broker/subAccountApi. It shows only the
// first characters of each key, and leaves out the addresses and the
// permissions that have an endpoint of their own.
func (e *exchange) listLinkKeys(c *venue.Call) *venue.Answer {
	p := e.params(c)
	apiKey, page, size := p.Text("subAccountApiKey"), p.Integer("page", 1), p.Integer("size", 500)
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 500)
	sub, refusal := e.subAccount(c, p, "subAccountId")
	if refusal != nil {
		return refusal
	}
	older := c.Weather(olderList) != ""
	rows := []map[string]any{}
	for _, k := range c.Listed(sub) {
		if apiKey == "" || k.APIKey == apiKey {
			shown := k.APIKey[:3] + strings.Repeat("*", 13)
			if older {
				shown = k.APIKey
			}
			rows = append(rows, e.setFlags(map[string]any{"subaccountId": sub.ID, "apikey": shown}, k, linkFlags()...))
		}
	}
	if older && len(rows) == 1 {
		return e.ok(c, rows[0])
	}
	return e.ok(c, pageOf(rows, page, size))
}

// deleteLinkKey answers DELETE /sapi/v1/broker/subAccountApi.
func (e *exchange) deleteLinkKey(c *venue.Call) *venue.Answer { return e.deleteKey(c, "subAccountId") }

// permitLink sets the named permissions of a key. The request must state every
// one of them.
func (e *exchange) permitLink(c *venue.Call, names ...string) *venue.Answer {
	p := e.params(c)
	p.Require(names...)
	k, refusal := e.permit(c, p, "subAccountId", names...)
	if refusal != nil {
		return refusal
	}
	return e.ok(c, e.setFlags(map[string]any{"subaccountId": k.Account.ID, "apikey": k.APIKey}, k, names...))
}

// permitLinkKey answers POST /sapi/v1/broker/subAccountApi/permission.
func (e *exchange) permitLinkKey(c *venue.Call) *venue.Answer {
	return e.permitLink(c, linkFlags()...)
}

// permitLinkTransfer answers POST .../permission/universalTransfer.
func (e *exchange) permitLinkTransfer(c *venue.Call) *venue.Answer {
	return e.permitLink(c, transfer)
}

// permitLinkOptions answers POST .../permission/vanillaOptions, modelled on
// permitLinkTransfer.
func (e *exchange) permitLinkOptions(c *venue.Call) *venue.Answer {
	if there, refusal := e.hasOptionsCall(c); !there {
		return refusal
	}
	return e.permitLink(c, options)
}

// restrictLinkKey answers POST /sapi/v2/broker/subAccountApi/ipRestriction.
func (e *exchange) restrictLinkKey(c *venue.Call) *venue.Answer { return e.restrict(c, "subAccountId") }

// linkAddresses answers GET /sapi/v1/broker/subAccountApi/ipRestriction.
func (e *exchange) linkAddresses(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, e.params(c), "subAccountId")
	if refusal != nil {
		return refusal
	}
	return e.ok(c, map[string]any{
		"subaccountId": k.Account.ID, "ipRestrict": len(k.IPs) > 0, "apikey": k.APIKey, "ipList": e.ipList(k),
		"updateTime": c.Now.UnixMilli(),
	})
}
