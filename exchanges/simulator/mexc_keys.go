package simulator

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	mexcMaxKeys      = 30
	mexcMaxAddresses = 10
)

// mexcWords lists the permissions that keys of sub-accounts can be given.
func mexcWords() []string {
	return []string{
		mexcAccountRead, mexcAccountWrite, mexcDealRead, mexcDealWrite,
		"CONTRACT_ACCOUNT_READ", "CONTRACT_ACCOUNT_WRITE", "CONTRACT_DEAL_READ", mexcFuturesWrite,
		"SPOT_TRANSFER_READ", mexcTransferWrite,
	}
}

// mexcList parts a list with commas; an empty text is an empty list.
func mexcList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// createKey answers POST /api/v3/sub-account/apiKey. The secret is in this
// answer alone.
func (m *mexc) createKey(c *call) *answer {
	p := m.params(c)
	note, permissions, addresses := p.text("note"), mexcList(p.text("permissions")), mexcList(p.text("ip"))
	sub, refusal := m.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	badAddress := func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}
	switch {
	case note == "":
		return m.refuse(mexcNoNote, "note cannot be null")
	case len(permissions) == 0:
		return m.refuse(mexcNoPermissions, "permissions cannot be null")
	case slices.ContainsFunc(permissions, func(word string) bool { return !slices.Contains(mexcWords(), word) }):
		return m.refuse(mexcUnknownPermission, "permissions is not exist")
	case len(addresses) > mexcMaxAddresses:
		return m.refuse(mexcTooManyAddresses, "the number of IPs exceeds the limit")
	case slices.ContainsFunc(addresses, badAddress):
		return m.refuse(mexcBadAddressList, "the IP format is incorrect")
	case sub.frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	case len(c.books.keysOf(sub)) >= mexcMaxKeys:
		return m.refuse(mexcKeyCap, "the number of API keys exceeds the limit")
	}
	created := &key{
		apiKey: mexcKeyText(), secret: randomText(32, lowerHex), account: sub, label: note,
		permissions: c.grant(permissions, mexcTransferWrite, mexcDealWrite), ips: addresses, created: c.now,
	}
	if len(addresses) == 0 {
		created.expires = c.now.Add(mexcUnboundLife)
	}
	shown := m.describeKey(c.books.addKey(created))
	shown["subAccount"], shown["secretKey"] = sub.id, created.secret
	return m.ok(shown)
}

// describeKey shows what all answers about a key have. The time's name is
// spelt like this in MEXC's older documentation.
func (m *mexc) describeKey(k *key) map[string]any {
	return map[string]any{
		"note": k.label, "apiKey": k.apiKey, "permissions": strings.Join(k.permissions, ","), "ip": strings.Join(k.ips, ","),
		"creatTime": k.created.UnixMilli(),
	}
}

// listKeys answers GET /api/v3/sub-account/apiKey, which knows no pages.
func (m *mexc) listKeys(c *call) *answer {
	sub, refusal := m.subAccount(c, m.params(c))
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range c.books.keysOf(sub) {
		rows = append(rows, m.describeKey(k))
	}
	return m.ok(map[string]any{"subAccount": rows})
}

// deleteKey answers DELETE /api/v3/sub-account/apiKey.
func (m *mexc) deleteKey(c *call) *answer {
	p := m.params(c)
	name := p.text("apiKey")
	sub, refusal := m.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.books.key(name)
	switch {
	case name == "":
		return m.refuse(mexcNoKeyParameter, "apiKey cannot be null")
	case k == nil || k.account != sub:
		return m.refuse(mexcNoSuchKey, "the key information does not exist")
	case sub.frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	}
	c.removeKey(k)
	return m.ok(map[string]string{"subAccount": sub.id})
}
