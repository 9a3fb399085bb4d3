package bingx

import (
	"net/netip"
	"slices"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 20
	maxAddresses = 20
	// shortNote is how long a note may be where only short ones are accepted.
	shortNote = 12
)

// grantable lists the permissions that keys of sub-accounts can be given.
func grantable() []string {
	return []string{spot, read, perpetual, universal, withdraw, internal}
}

// createKey answers POST /openApi/subAccount/v1/APIKey/create. Only this answer
// shows the secret.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := e.params(c)
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
	p.Check("note", note != "" && (len(note) <= shortNote || c.Weather(shortNotes) == ""))
	p.Check("permissions", mayHave(permissions, addresses))
	p.Check("ipAddresses", len(addresses) <= maxAddresses && !slices.ContainsFunc(addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	sub, refusal := e.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case sub.Frozen:
		return e.refuse(c, frozen, "account abnormal")
	case len(c.Books.KeysOf(sub)) >= maxKeys && c.Weather(fullAccount) != "":
		return e.refuse(c, noSuchCode, "the number of API keys has reached the limit")
	case len(c.Books.KeysOf(sub)) >= maxKeys:
		return e.refuse(c, badParameter, "the number of API keys has reached the limit")
	}
	created := &venue.Key{
		APIKey: venue.RandomText(64, venue.Alphanumeric), Secret: venue.RandomText(64, venue.Alphanumeric), Account: sub, Label: note,
		Permissions: c.Grant(permissions, universal, perpetual), IPs: addresses, Created: c.Now,
	}
	if len(addresses) == 0 && !slices.Equal(created.Permissions, []string{read}) {
		created.Expires = c.Now.Add(unusedLife)
	}
	c.Books.AddKey(created)
	shown := map[string]any{"apiKey": created.APIKey, "note": note}
	if e.forAssistants(c) {
		shown["secretKey"], shown["permissions"], shown["ipAddresses"] = created.Secret, codesOf(created.Permissions), addressesOf(created)
	} else {
		shown["apiSecret"], shown["permissions"], shown["ipAddresses"] = created.Secret, []int{}, []string{}
	}
	return e.ok(c, shown)
}

// mayHave reports whether a key with these addresses may have the permissions.
// A key without the right to read may be impossible; the documentation does not
// say so, and this refuses it.
func mayHave(permissions, addresses []string) bool {
	unknown := slices.ContainsFunc(permissions, func(p string) bool { return !slices.Contains(grantable(), p) })
	return !unknown && slices.Contains(permissions, read) &&
		(len(addresses) > 0 || !slices.Contains(permissions, withdraw))
}

// queryKeys answers GET /openApi/account/v1/APIKey/query, about the calling
// key's own account or one of its sub-accounts.
func (e *exchange) queryKeys(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("uid")
	uid, apiKey := p.Text("uid"), p.Text("apiKey")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	about := c.Books.Account(uid)
	if about == nil || about != c.Key.Account && about.Parent != c.Key.Account {
		return e.refuse(c, badSubAccount, "sub uid is invalid")
	}
	rows := []map[string]any{}
	for _, k := range c.Listed(about) {
		if apiKey != "" && k.APIKey != apiKey {
			continue
		}
		row := map[string]any{
			"apiKey": e.shown(c, k), "note": k.Label, "permissions": codesOf(k.Permissions), "ipAddresses": addressesOf(k),
			"createTime": k.Created.UnixMilli(), "updateTime": k.Created.UnixMilli(),
		}
		if !e.forAssistants(c) {
			row["status"] = 0
		}
		if c.Weather(keyStatus) != "" {
			row["status"] = 1
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 && apiKey != "" && c.Weather(unknownKey) != "" {
		return e.refuse(c, badParameter, "the API key does not exist")
	}
	if e.forAssistants(c) {
		return e.ok(c, map[string]any{"apiKeyList": rows})
	}
	return e.ok(c, map[string]any{"apiInfos": rows})
}

// deleteKey answers POST /openApi/subAccount/v1/APIKey/del.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("apiKey")
	apiKey := p.Text("apiKey")
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(apiKey)
	switch {
	case k == nil || k.Account != sub:
		return e.refuse(c, badParameter, "the API key does not exist")
	case sub.Frozen && c.Weather(frozenAccount) == "":
		return e.refuse(c, frozen, "account abnormal")
	}
	c.RemoveKey(k)
	return e.ok(c, nil)
}
