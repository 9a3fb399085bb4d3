package gate

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 20
	maxAddresses = 20
	maxName      = 20
)

// readOnly marks the permission of a group that is read-only.
const readOnly = " (read only)"

// groups lists the groups of permissions for keys of sub-accounts.
func groups() []string {
	return []string{
		"spot", "margin", "loan", "futures", "delivery", "options", "unified", "wallet", "account", "earn", "custody", "copy",
	}
}

// perm is a permission as requests and answers write it.
type perm struct {
	Name     string `json:"name"`
	ReadOnly *bool  `json:"read_only,omitempty"`
}

// readDeal reads what create and edit have in common. It refuses a permission
// without its flag, whose meaning is not documented.
func (e *exchange) readDeal(c *venue.Call, p *venue.Params, edited *venue.Key) (name string, permissions, addresses []string) {
	var perms []perm
	p.Value("perms", &perms)
	p.Value("ip_whitelist", &addresses)
	name = p.Text("name")
	if mode := p.Integer("mode", 1); edited == nil {
		p.Check("mode", mode == 1 || mode == 2)
	}
	p.Check("name", len(name) <= maxName && strings.Trim(name, venue.Alphanumeric+"_-") == "")
	p.Check("name", !slices.ContainsFunc(c.Books.Keys, func(k *venue.Key) bool { return k != edited && name != "" && k.Label == name }))
	var seen []string
	for _, perm := range perms {
		p.Check("perms", perm.ReadOnly != nil && slices.Contains(groups(), perm.Name) && !slices.Contains(seen, perm.Name))
		seen = append(seen, perm.Name)
		permission := perm.Name
		if perm.ReadOnly != nil && *perm.ReadOnly {
			permission += readOnly
		}
		permissions = append(permissions, permission)
	}
	p.Check("ip_whitelist", len(addresses) <= maxAddresses)
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.Check("ip_whitelist", err == nil && address.Is4())
	}
	return name, permissions, addresses
}

// createKey answers POST /sub_accounts/{user_id}/keys. Only this answer shows
// the secret.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	name, permissions, addresses := e.readDeal(c, p, nil)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c)
	switch {
	case refusal != nil:
		return refusal
	case sub.Frozen:
		return e.isLocked(c)
	}
	if refusal := e.isFull(c, sub); refusal != nil {
		return refusal
	}
	created := c.Books.AddKey(&venue.Key{
		APIKey: venue.RandomText(32, venue.LowerHex), Secret: venue.RandomText(64, venue.LowerHex), Account: sub, Label: name,
		Permissions: c.Grant(permissions, "futures", "earn"), IPs: addresses, Created: c.Now,
	})
	shown := e.describeKey(c, created)
	shown["secret"] = created.Secret
	if c.Weather(createForm) != "" {
		return e.ok(c, http.StatusOK, []any{shown})
	}
	return e.ok(c, http.StatusOK, shown)
}

func (e *exchange) isLocked(c *venue.Call) *venue.Answer {
	return e.refuse(c, http.StatusBadRequest, "SUB_ACCOUNT_LOCKED", "Sub account is locked")
}

// describeKey shows what all answers about a key have in common.
func (e *exchange) describeKey(c *venue.Call, k *venue.Key) map[string]any {
	perms := []perm{}
	for _, permission := range k.Permissions {
		name, readOnly := strings.CutSuffix(permission, readOnly)
		switch {
		case permission == manage:
		case !readOnly && c.Weather(missingFlag) != "":
			perms = append(perms, perm{Name: name})
		default:
			perms = append(perms, perm{name, &readOnly})
		}
	}
	return map[string]any{
		"state": 1, "mode": 1, "name": k.Label, "user_id": number(c, k.Account.ID), "perms": perms,
		"ip_whitelist": append([]string{}, k.IPs...), "key": k.APIKey,
		"created_at": unixTime(c, k.Created), "update_at": unixTime(c, k.Created), "last_access": unixTime(c, k.Created),
	}
}

// listKeys answers GET /sub_accounts/{user_id}/keys, which has no pages.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	sub, refusal := e.subAccount(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range c.Listed(sub) {
		rows = append(rows, e.describeKey(c, k))
	}
	return e.ok(c, http.StatusOK, rows)
}

// target finds the key that the path names.
func (e *exchange) target(c *venue.Call) (*venue.Key, *venue.Answer) {
	sub, refusal := e.subAccount(c)
	if refusal != nil {
		return nil, refusal
	}
	k := c.Books.Key(c.PathValue("key"))
	if k == nil || k.Account != sub {
		return nil, e.refuse(c, http.StatusNotFound, "NOT_FOUND", "API key not found")
	}
	return k, nil
}

// getKey answers GET /sub_accounts/{user_id}/keys/{key}.
func (e *exchange) getKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c)
	if refusal != nil {
		return refusal
	}
	return e.ok(c, http.StatusOK, e.describeKey(c, k))
}

// editKey answers PUT /sub_accounts/{user_id}/keys/{key}, which replaces the
// whole key: whatever the request leaves out is cleared.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c)
	if refusal != nil {
		return refusal
	}
	p := venue.JSONParams(c.Body)
	name, permissions, addresses := e.readDeal(c, p, k)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	k.Label, k.Permissions, k.IPs = name, c.Grant(permissions, "futures", "earn"), addresses
	return e.done(c)
}

// deleteKey answers DELETE /sub_accounts/{user_id}/keys/{key}. The key leaves
// the list at once, and still works for a while.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c)
	if refusal != nil {
		return refusal
	}
	if c.Weather(lockedSubAccount) != "" {
		return e.isLocked(c)
	}
	c.RemoveKey(k)
	if c.Books.Key(k.APIKey) == nil {
		e.fading = append(e.fading, fadingKey{k, c.Now})
	}
	return e.done(c)
}
