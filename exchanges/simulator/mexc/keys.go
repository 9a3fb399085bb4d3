package mexc

import (
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 30
	maxAddresses = 10
)

// words lists the permissions that keys of sub-accounts can be given.
func words() []string {
	return []string{
		accountRead, accountWrite, dealRead, dealWrite,
		"CONTRACT_ACCOUNT_READ", "CONTRACT_ACCOUNT_WRITE", "CONTRACT_DEAL_READ", futuresWrite,
		"SPOT_TRANSFER_READ", transferWrite,
	}
}

// list splits a list at its commas. An empty text is an empty list.
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

// createKey answers POST /api/v3/sub-account/APIKey. Only this answer shows the
// secret.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := e.params(c)
	note, permissions, addresses := p.Text("note"), list(p.Text("permissions")), list(p.Text("ip"))
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	badAddress := func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}
	switch {
	case note == "":
		return e.refuse(noNote, "API KEY remarks cannot be null")
	case len(permissions) == 0:
		return e.refuse(noPermissions, "API KEY permission cannot be null")
	case slices.ContainsFunc(permissions, func(word string) bool { return !slices.Contains(words(), word) }):
		return e.refuse(unknownPermission, "API KEY permission does not exist")
	case len(addresses) > maxAddresses:
		return e.refuse(tooManyAddresses, "The IP information is incorrect, and a maximum of 10 IPs are allowed to be bound only")
	case slices.ContainsFunc(addresses, badAddress):
		return e.refuse(badAddressList, "The bound IP format is incorrect, please refill")
	case c.Weather(verification) == required:
		return e.refuse(notAllowed, "operation not allowed")
	case e.isFrozen(c, sub):
		return e.refuse(frozen, "sub account is forbidden")
	case len(c.Books.KeysOf(sub)) >= maxKeys:
		return e.refuse(keyCap, "At most 30 groups of Api Keys are allowed to be created only")
	}
	created := &venue.Key{
		APIKey: keyText(), Secret: venue.RandomText(32, venue.LowerHex), Account: sub, Label: note,
		Permissions: c.Grant(permissions, transferWrite, dealWrite), IPs: addresses, Created: c.Now,
	}
	if len(addresses) == 0 {
		created.Expires = c.Now.Add(unboundLife)
	}
	shown := e.describeKey(c, c.Books.AddKey(created))
	shown["subAccount"], shown["secretKey"] = sub.ID, created.Secret
	return e.ok(shown)
}

// describeKey shows what all answers about a key have in common.
func (e *exchange) describeKey(c *venue.Call, k *venue.Key) map[string]any {
	created := "creatTime"
	if c.Weather(timeName) == newer {
		created = "createTime"
	}
	return map[string]any{
		"note": k.Label, "apiKey": k.APIKey, "permissions": strings.Join(k.Permissions, ","), "ip": strings.Join(k.IPs, ","),
		created: k.Created.UnixMilli(),
	}
}

// listKeys answers GET /api/v3/sub-account/APIKey, which has no pages.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	sub, refusal := e.subAccount(c, e.params(c))
	if refusal != nil {
		return refusal
	}
	if c.Weather(frozenSubAccount) == noList {
		return e.refuse(frozen, "sub account is forbidden")
	}
	rows := []any{}
	for _, k := range c.Listed(sub) {
		rows = append(rows, e.describeKey(c, k))
	}
	return e.ok(map[string]any{"subAccount": rows})
}

// deleteKey answers DELETE /api/v3/sub-account/APIKey.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	p := e.params(c)
	name := p.Text("apiKey")
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(name)
	switch {
	case name == "":
		return e.refuse(noKeyParameter, "accessKey cannot be null")
	case k == nil || k.Account != sub:
		return e.refuse(noSuchKey, "API KEY information does not exist")
	case e.isFrozen(c, sub) && c.Weather(frozenSubAccount) != deletes:
		return e.refuse(frozen, "sub account is forbidden")
	}
	c.RemoveKey(k)
	return e.ok(map[string]string{"subAccount": sub.ID})
}
