package simulator

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const (
	gateMaxKeys      = 20
	gateMaxAddresses = 20
	gateMaxName      = 20
)

// gateReadOnly marks the permission of a group that is read-only.
const gateReadOnly = " (read only)"

// gateGroups lists the groups of permissions for keys of sub-accounts.
func gateGroups() []string {
	return []string{
		"spot", "margin", "loan", "futures", "delivery", "options", "unified", "wallet", "account", "earn", "custody", "copy",
	}
}

// gatePerm is a permission as requests and answers have it.
type gatePerm struct {
	Name     string `json:"name"`
	ReadOnly *bool  `json:"read_only"`
}

// readDeal reads what create and edit share. A permission without its flag is
// refused: what that means is not documented.
func (g *gate) readDeal(c *call, p *params, edited *key) (name string, permissions, addresses []string) {
	var perms []gatePerm
	p.value("perms", &perms)
	p.value("ip_whitelist", &addresses)
	name = p.text("name")
	if mode := p.integer("mode", 1); edited == nil {
		p.check("mode", mode == 1 || mode == 2)
	}
	p.check("name", len(name) <= gateMaxName && strings.Trim(name, alphanumeric+"_-") == "")
	p.check("name", !slices.ContainsFunc(c.books.keys, func(k *key) bool { return k != edited && name != "" && k.label == name }))
	var seen []string
	for _, perm := range perms {
		p.check("perms", perm.ReadOnly != nil && slices.Contains(gateGroups(), perm.Name) && !slices.Contains(seen, perm.Name))
		seen = append(seen, perm.Name)
		permission := perm.Name
		if perm.ReadOnly != nil && *perm.ReadOnly {
			permission += gateReadOnly
		}
		permissions = append(permissions, permission)
	}
	p.check("ip_whitelist", len(addresses) <= gateMaxAddresses)
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.check("ip_whitelist", err == nil && address.Is4())
	}
	return name, permissions, addresses
}

// createKey answers POST /sub_accounts/{user_id}/keys. The secret is in this
// answer alone.
func (g *gate) createKey(c *call) *answer {
	p := jsonParams(c.body)
	name, permissions, addresses := g.readDeal(c, p, nil)
	if why := p.strictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	sub, refusal := g.subAccount(c)
	switch {
	case refusal != nil:
		return refusal
	case sub.frozen:
		return g.refuse(c, http.StatusBadRequest, "SUB_ACCOUNT_LOCKED", "Sub account is locked")
	case len(c.books.keysOf(sub)) >= gateMaxKeys:
		return g.refuse(c, http.StatusBadRequest, "BAD_REQUEST", "The number of API keys has reached the upper limit")
	}
	created := c.books.addKey(&key{
		apiKey: randomText(32, lowerHex), secret: randomText(64, lowerHex), account: sub, label: name,
		permissions: c.grant(permissions, "futures", "earn"), ips: addresses, created: c.now,
	})
	shown := g.describeKey(created)
	shown["secret"] = created.secret
	return g.ok(c, http.StatusOK, shown)
}

// describeKey shows what all answers about a key have.
func (g *gate) describeKey(k *key) map[string]any {
	perms := []gatePerm{}
	for _, permission := range k.permissions {
		name, readOnly := strings.CutSuffix(permission, gateReadOnly)
		if permission != gateManage {
			perms = append(perms, gatePerm{name, &readOnly})
		}
	}
	return map[string]any{
		"state": 1, "mode": 1, "name": k.label, "user_id": json.Number(k.account.id), "perms": perms,
		"ip_whitelist": append([]string{}, k.ips...), "key": k.apiKey,
		"created_at": k.created.Unix(), "update_at": k.created.Unix(), "last_access": k.created.Unix(),
	}
}

// listKeys answers GET /sub_accounts/{user_id}/keys, which knows no pages.
func (g *gate) listKeys(c *call) *answer {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range c.books.keysOf(sub) {
		rows = append(rows, g.describeKey(k))
	}
	return g.ok(c, http.StatusOK, rows)
}

// target finds the key that the path names.
func (g *gate) target(c *call) (*key, *answer) {
	sub, refusal := g.subAccount(c)
	if refusal != nil {
		return nil, refusal
	}
	k := c.books.key(c.PathValue("key"))
	if k == nil || k.account != sub {
		return nil, g.refuse(c, http.StatusNotFound, "NOT_FOUND", "API key not found")
	}
	return k, nil
}

// getKey answers GET /sub_accounts/{user_id}/keys/{key}.
func (g *gate) getKey(c *call) *answer {
	k, refusal := g.target(c)
	if refusal != nil {
		return refusal
	}
	return g.ok(c, http.StatusOK, g.describeKey(k))
}

// editKey answers PUT /sub_accounts/{user_id}/keys/{key}, which replaces the
// whole key: what is left out is cleared.
func (g *gate) editKey(c *call) *answer {
	k, refusal := g.target(c)
	if refusal != nil {
		return refusal
	}
	p := jsonParams(c.body)
	name, permissions, addresses := g.readDeal(c, p, k)
	if why := p.strictComplaint(); why != nil {
		return g.badParameter(c, why)
	}
	k.label, k.permissions, k.ips = name, c.grant(permissions, "futures", "earn"), addresses
	return g.done(c)
}

// deleteKey answers DELETE /sub_accounts/{user_id}/keys/{key}. The key is no
// longer listed, and still works for a while.
func (g *gate) deleteKey(c *call) *answer {
	k, refusal := g.target(c)
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	if c.books.key(k.apiKey) == nil {
		g.fading = append(g.fading, fadingKey{k, c.now})
	}
	return g.done(c)
}
