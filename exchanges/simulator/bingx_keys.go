package simulator

import (
	"net/netip"
	"slices"
	"strconv"
)

const (
	bingxMaxKeys      = 20
	bingxMaxAddresses = 20
)

// bingxGrantable lists the permissions that keys of sub-accounts can be given.
func bingxGrantable() []string {
	return []string{bingxSpot, bingxRead, bingxPerpetual, bingxUniversal, bingxWithdraw, bingxInternal}
}

// createKey answers POST /openApi/subAccount/v1/apiKey/create. The secret is in
// this answer alone.
func (b *bingx) createKey(c *call) *answer {
	p := b.params(c)
	note := p.text("note")
	var codes []int
	p.require("note", "permissions")
	p.value("permissions", &codes)
	addresses := []string{}
	p.value("ipAddresses", &addresses)
	permissions := []string{}
	for _, code := range codes {
		permissions = append(permissions, strconv.Itoa(code))
	}
	p.check("note", note != "")
	p.check("permissions", bingxMayHave(permissions, addresses))
	p.check("ipAddresses", len(addresses) <= bingxMaxAddresses && !slices.ContainsFunc(addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	sub, refusal := b.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case sub.frozen:
		return b.refuse(c, bingxFrozen, "account abnormal")
	case len(c.books.keysOf(sub)) >= bingxMaxKeys:
		return b.refuse(c, bingxBadParameter, "the number of API keys has reached the limit")
	}
	created := &key{
		apiKey: randomText(64, alphanumeric), secret: randomText(64, alphanumeric), account: sub, label: note,
		permissions: c.grant(permissions, bingxUniversal, bingxPerpetual), ips: addresses, created: c.now,
	}
	if len(addresses) == 0 && !slices.Equal(created.permissions, []string{bingxRead}) {
		created.expires = c.now.Add(bingxUnusedLife)
	}
	c.books.addKey(created)
	shown := map[string]any{"apiKey": created.apiKey, "note": note}
	if b.showsWhole(c) {
		shown["secretKey"], shown["permissions"], shown["ipAddresses"] = created.secret, bingxCodes(created.permissions), bingxAddresses(created)
	} else {
		shown["apiSecret"], shown["permissions"], shown["ipAddresses"] = created.secret, []int{}, []string{}
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

// queryKeys answers GET /openApi/account/v1/apiKey/query, about the calling
// key's own account or one of its sub-accounts.
func (b *bingx) queryKeys(c *call) *answer {
	p := b.params(c)
	p.require("uid")
	uid, apiKey := p.text("uid"), p.text("apiKey")
	if why := p.strictComplaint(); why != nil {
		return b.malformed(c, why)
	}
	about := c.books.account(uid)
	if about == nil || about != c.key.account && about.parent != c.key.account {
		return b.refuse(c, bingxBadSubAccount, "sub uid is invalid")
	}
	rows := []map[string]any{}
	for _, k := range c.books.keysOf(about) {
		if apiKey != "" && k.apiKey != apiKey {
			continue
		}
		row := map[string]any{
			"apiKey": k.apiKey, "note": k.label, "permissions": bingxCodes(k.permissions), "ipAddresses": bingxAddresses(k),
			"createTime": k.created.UnixMilli(), "updateTime": k.created.UnixMilli(),
		}
		if !b.showsWhole(c) {
			row["apiKey"], row["status"] = k.apiKey[:3]+"*******"+k.apiKey[len(k.apiKey)-2:], 0
		}
		rows = append(rows, row)
	}
	if b.showsWhole(c) {
		return b.ok(c, map[string]any{"apiKeyList": rows})
	}
	return b.ok(c, map[string]any{"apiInfos": rows})
}

// deleteKey answers POST /openApi/subAccount/v1/apiKey/del.
func (b *bingx) deleteKey(c *call) *answer {
	p := b.params(c)
	p.require("apiKey")
	apiKey := p.text("apiKey")
	sub, refusal := b.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.books.key(apiKey)
	switch {
	case k == nil || k.account != sub:
		return b.refuse(c, bingxBadParameter, "the API key does not exist")
	case sub.frozen:
		return b.refuse(c, bingxFrozen, "account abnormal")
	}
	c.removeKey(k)
	return b.ok(c, nil)
}
