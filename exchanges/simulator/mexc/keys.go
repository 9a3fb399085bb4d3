package mexc

import (
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
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

// createKey answers POST /api/v3/sub-account/APIKey. The secret is in this
// answer alone.
func (m *mexc) createKey(c *venue.Call) *venue.Answer {
	p := m.params(c)
	note, permissions, addresses := p.Text("note"), mexcList(p.Text("permissions")), mexcList(p.Text("ip"))
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
	case sub.Frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	case len(c.Books.KeysOf(sub)) >= mexcMaxKeys:
		return m.refuse(mexcKeyCap, "the number of API keys exceeds the limit")
	}
	created := &venue.Key{
		APIKey: mexcKeyText(), Secret: venue.RandomText(32, venue.LowerHex), Account: sub, Label: note,
		Permissions: c.Grant(permissions, mexcTransferWrite, mexcDealWrite), IPs: addresses, Created: c.Now,
	}
	if len(addresses) == 0 {
		created.Expires = c.Now.Add(mexcUnboundLife)
	}
	shown := m.describeKey(c.Books.AddKey(created))
	shown["subAccount"], shown["secretKey"] = sub.ID, created.Secret
	return m.ok(shown)
}

// describeKey shows what all answers about a key have. The time's name is
// spelt like this in MEXC's older documentation.
func (m *mexc) describeKey(k *venue.Key) map[string]any {
	return map[string]any{
		"note": k.Label, "apiKey": k.APIKey, "permissions": strings.Join(k.Permissions, ","), "ip": strings.Join(k.IPs, ","),
		"creatTime": k.Created.UnixMilli(),
	}
}

// listKeys answers GET /api/v3/sub-account/APIKey, which knows no pages.
func (m *mexc) listKeys(c *venue.Call) *venue.Answer {
	sub, refusal := m.subAccount(c, m.params(c))
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range c.Books.KeysOf(sub) {
		rows = append(rows, m.describeKey(k))
	}
	return m.ok(map[string]any{"subAccount": rows})
}

// deleteKey answers DELETE /api/v3/sub-account/APIKey.
func (m *mexc) deleteKey(c *venue.Call) *venue.Answer {
	p := m.params(c)
	name := p.Text("apiKey")
	sub, refusal := m.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(name)
	switch {
	case name == "":
		return m.refuse(mexcNoKeyParameter, "apiKey cannot be null")
	case k == nil || k.Account != sub:
		return m.refuse(mexcNoSuchKey, "the key information does not exist")
	case sub.Frozen:
		return m.refuse(mexcFrozen, "sub account is forbidden")
	}
	c.RemoveKey(k)
	return m.ok(map[string]string{"subAccount": sub.ID})
}
