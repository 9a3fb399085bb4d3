package bingx

import (
	"net/netip"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	bingxMaxKeys      = 20
	bingxMaxAddresses = 20
)

// bingxGrantable lists the permissions that keys of sub-accounts can be given.
func bingxGrantable() []string {
	return []string{bingxSpot, bingxRead, bingxPerpetual, bingxUniversal, bingxWithdraw, bingxInternal}
}

// createKey answers POST /openApi/subAccount/v1/APIKey/create. The secret is in
// this answer alone.
func (b *bingx) createKey(c *venue.Call) *venue.Answer {
	p := b.params(c)
	note := p.Text("note")
	var codes []int
	p.Require("note", "permissions")
	p.Value("permissions", &codes)
	addresses := []string{}
	p.Value("ipAddresses", &addresses)
	permissions := []string{}
	for _, code := range codes {
		permissions = append(permissions, strconv.Itoa(code))
	}
	p.Check("note", note != "")
	p.Check("permissions", bingxMayHave(permissions, addresses))
	p.Check("ipAddresses", len(addresses) <= bingxMaxAddresses && !slices.ContainsFunc(addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	sub, refusal := b.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case sub.Frozen:
		return b.refuse(c, bingxFrozen, "account abnormal")
	case len(c.Books.KeysOf(sub)) >= bingxMaxKeys:
		return b.refuse(c, bingxBadParameter, "the number of API keys has reached the limit")
	}
	created := &venue.Key{
		APIKey: venue.RandomText(64, venue.Alphanumeric), Secret: venue.RandomText(64, venue.Alphanumeric), Account: sub, Label: note,
		Permissions: c.Grant(permissions, bingxUniversal, bingxPerpetual), IPs: addresses, Created: c.Now,
	}
	if len(addresses) == 0 && !slices.Equal(created.Permissions, []string{bingxRead}) {
		created.Expires = c.Now.Add(bingxUnusedLife)
	}
	c.Books.AddKey(created)
	shown := map[string]any{"apiKey": created.APIKey, "note": note}
	if b.showsWhole(c) {
		shown["secretKey"], shown["permissions"], shown["ipAddresses"] = created.Secret, bingxCodes(created.Permissions), bingxAddresses(created)
	} else {
		shown["apiSecret"], shown["permissions"], shown["ipAddresses"] = created.Secret, []int{}, []string{}
	}
	return b.ok(c, shown)
}

// bingxMayHave tells whether a key with these addresses may have the
// permissions. That none goes without reading is not documented, but possible.
func bingxMayHave(permissions, addresses []string) bool {
	unknown := slices.ContainsFunc(permissions, func(p string) bool { return !slices.Contains(bingxGrantable(), p) })
	return !unknown && slices.Contains(permissions, bingxRead) &&
		(len(addresses) > 0 || !slices.Contains(permissions, bingxWithdraw))
}

// queryKeys answers GET /openApi/account/v1/APIKey/query, about the calling
// key's own account or one of its sub-accounts.
func (b *bingx) queryKeys(c *venue.Call) *venue.Answer {
	p := b.params(c)
	p.Require("uid")
	uid, apiKey := p.Text("uid"), p.Text("apiKey")
	if why := p.StrictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	about := c.Books.Account(uid)
	if about == nil || about != c.Key.Account && about.Parent != c.Key.Account {
		return b.refuse(c, bingxBadSubAccount, "sub uid is invalid")
	}
	rows := []map[string]any{}
	for _, k := range c.Books.KeysOf(about) {
		if apiKey != "" && k.APIKey != apiKey {
			continue
		}
		row := map[string]any{
			"apiKey": k.APIKey, "note": k.Label, "permissions": bingxCodes(k.Permissions), "ipAddresses": bingxAddresses(k),
			"createTime": k.Created.UnixMilli(), "updateTime": k.Created.UnixMilli(),
		}
		if !b.showsWhole(c) {
			row["apiKey"], row["status"] = k.APIKey[:3]+"*******"+k.APIKey[len(k.APIKey)-2:], 0
		}
		rows = append(rows, row)
	}
	if b.showsWhole(c) {
		return b.ok(c, map[string]any{"apiKeyList": rows})
	}
	return b.ok(c, map[string]any{"apiInfos": rows})
}

// deleteKey answers POST /openApi/subAccount/v1/APIKey/del.
func (b *bingx) deleteKey(c *venue.Call) *venue.Answer {
	p := b.params(c)
	p.Require("apiKey")
	apiKey := p.Text("apiKey")
	sub, refusal := b.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(apiKey)
	switch {
	case k == nil || k.Account != sub:
		return b.refuse(c, bingxBadParameter, "the API key does not exist")
	case sub.Frozen:
		return b.refuse(c, bingxFrozen, "account abnormal")
	}
	c.RemoveKey(k)
	return b.ok(c, nil)
}
