package bitget

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 10
	maxAddresses = 30
)

// surface is one of the APIs that make keys. They differ more in what things
// are called than in what they do.
type surface struct {
	sub, apiKey, secret, label, list, ips string // names of fields
	kind                                  string // field that says whether a key only reads; empty if the API has none
	readOnly, readWrite                   string // the values of kind
	permissions                           []string
	surplus                               []string // what the fault GrantMore may add
	shortestPassphrase, longestLabel      int
	ipsRequired                           bool   // the request must have the list
	writersBound                          bool   // and the list of a key that can write must not be empty
	noSub                                 string // code for a sub-account that is not the caller's
	namesSub                              bool   // answers name the sub-account
}

func unifiedSurface() surface {
	return surface{
		sub: "subUid", apiKey: "apiKey", secret: "secret", label: "note", list: "permissions", ips: "ips",
		kind: "type", readOnly: "read_only", readWrite: "read_write",
		permissions: []string{"uta_mgt", "uta_trade"}, surplus: []string{"uta_mgt", "withdraw"},
		shortestPassphrase: 8, longestLabel: 20, ipsRequired: true, noSub: noUser,
	}
}

func classicSurface() surface {
	return surface{
		sub: "subAccountUid", apiKey: "subAccountApiKey", secret: "secretKey", label: "label", list: "permList", ips: "ipList",
		permissions: []string{"read", "spot_trade", "margin_trade", "contract_trade", "transfer"},
		surplus:     []string{"transfer"}, shortestPassphrase: 8, longestLabel: 20, noSub: notVirtualSub, namesSub: true,
	}
}

func brokerSurface() surface {
	return surface{
		sub: "subUid", apiKey: "apiKey", secret: "secretKey", label: "label", list: "permList", ips: "ipList",
		kind: "permType", readOnly: "readonly", readWrite: "read_and_write",
		permissions:        []string{"contract_order", "contract_position", "spot_trade", "margin_trade", "copytrading_trade", "wallet_transfer"},
		surplus:            []string{"wallet_transfer", "copytrading_trade"},
		shortestPassphrase: 6, longestLabel: 19, writersBound: true, noSub: notYourSub, namesSub: true,
	}
}

// listOf is a key's list of permissions. In the books that list begins with the
// value of kind, if the API has one.
func (s surface) listOf(k *venue.Key) []string {
	list := append([]string{}, k.Permissions...)
	if s.kind != "" {
		list = list[1:]
	}
	return list
}

// describe shows a key as answers do, without its secret.
func (s surface) describe(c *venue.Call, k *venue.Key) map[string]any {
	shown := map[string]any{
		s.apiKey: k.APIKey, s.label: k.Label, s.list: s.listOf(k), s.ips: append([]string{}, k.IPs...),
	}
	if s.kind != "" {
		shown[s.kind] = s.typeOf(c, k)
	}
	if s.namesSub {
		shown[s.sub] = k.Account.ID
	}
	return shown
}

// subAccount finds the sub-account that a request names.
func (e *exchange) subAccount(c *venue.Call, s surface, id string) (*venue.Account, *venue.Answer) {
	sub := c.Books.Account(id)
	if sub == nil || sub.Parent != c.Key.Account {
		return nil, e.refuse(c, s.noSub)
	}
	return sub, nil
}

// readPermissions reads kind, if the API has one, and the list.
func (s surface) readPermissions(p *venue.Params) (kind string, list []string) {
	if s.kind != "" {
		p.Require(s.kind, s.list)
		kind = p.Text(s.kind)
		p.Check(s.kind, kind == s.readOnly || kind == s.readWrite)
	}
	p.Value(s.list, &list)
	for _, name := range list {
		p.Check(s.list, slices.Contains(s.permissions, name))
	}
	if s.kind != "" && kind == s.readOnly {
		p.Check(s.list, !slices.Contains(list, "wallet_transfer"))
	}
	return kind, list
}

// readAddresses reads the list of IPv4 addresses.
func (s surface) readAddresses(p *venue.Params) []string {
	if s.ipsRequired {
		p.Require(s.ips)
	}
	var addresses []string
	p.Value(s.ips, &addresses)
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.Check(s.ips, err == nil && address.Is4())
	}
	return addresses
}

// labelFits reports whether a label is allowed. An alphabet is documented for
// unified accounts only.
func (s surface) labelFits(label string) bool {
	return label != "" && len(label) <= s.longestLabel &&
		strings.Contains(venue.Letters, label[:1]) && strings.Trim(label, venue.Alphanumeric+"-_") == ""
}

func (s surface) passphraseFits(passphrase string) bool {
	return len(passphrase) >= s.shortestPassphrase && len(passphrase) <= 32 && strings.Trim(passphrase, venue.Alphanumeric) == "" &&
		strings.ContainsAny(passphrase, venue.Letters) && strings.ContainsAny(passphrase, venue.Digits)
}

// create answers the requests that create a key.
func (e *exchange) create(s surface) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		p := venue.JSONParams(c.Body)
		p.Require(s.sub, "passphrase", s.label)
		uid, passphrase, label := p.Text(s.sub), p.Text("passphrase"), p.Text(s.label)
		kind, list := s.readPermissions(p)
		addresses := s.readAddresses(p)
		if why := p.StrictComplaint(); why != nil {
			return e.badParameter(c, why)
		}
		sub, refusal := e.subAccount(c, s, uid)
		switch {
		case refusal != nil:
			return refusal
		case !s.labelFits(label):
			return e.refuse(c, badLabel)
		case !s.passphraseFits(passphrase):
			return e.refuse(c, badNewPassword)
		case len(addresses) > maxAddresses:
			return e.refuse(c, tooMany, s.ips, maxAddresses)
		case s.writersBound && kind == s.readWrite && len(addresses) == 0:
			return e.refuse(c, empty, s.ips)
		case len(c.Books.KeysOf(sub)) >= maxKeys:
			return e.refuse(c, e.fullCode(c))
		}
		granted := c.Grant(list, s.surplus...)
		if s.kind != "" {
			granted = append([]string{kind}, granted...)
		}
		k := c.Books.AddKey(&venue.Key{
			APIKey: keyText(), Secret: venue.RandomText(64, venue.LowerHex), Passphrase: passphrase, Account: sub, Label: label,
			Permissions: granted, IPs: addresses, Created: c.Now,
		})
		shown := s.describe(c, k)
		shown[s.secret] = k.Secret
		return e.ok(c, shown)
	}
}

// KeysOf lists the keys of the sub-account that the query names.
func (e *exchange) keysOf(c *venue.Call, s surface, p *venue.Params) ([]*venue.Key, *venue.Answer) {
	p.Require(s.sub)
	uid := p.Text(s.sub)
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, s, uid)
	if refusal != nil {
		return nil, refusal
	}
	return c.Listed(sub), nil
}

// list answers the requests of version 2 that list keys. They have no pages.
func (e *exchange) list(s surface) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		keys, refusal := e.keysOf(c, s, venue.FormParams(c.URL.RawQuery))
		if refusal != nil {
			return refusal
		}
		rows := []any{}
		for _, k := range keys {
			shown := s.describe(c, k)
			if len(k.Permissions) == 0 && c.Weather(emptiedKey) == showsNoList {
				delete(shown, s.list)
			}
			rows = append(rows, shown)
		}
		return e.ok(c, rows)
	}
}

// listUnified answers GET /api/v3/user/sub-api-list. A sub-account never has
// more keys than fit on a page.
func (e *exchange) listUnified(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	size := p.Integer("limit", 100)
	p.Check("limit", size >= 1 && size <= 100)
	p.Check("cursor", p.Text("cursor") == "")
	s := unifiedSurface()
	keys, refusal := e.keysOf(c, s, p)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range keys[:min(int(size), len(keys))] {
		shown := s.describe(c, k)
		shown["ts"] = millis(k.Created)
		rows = append(rows, shown)
	}
	name, more := "items", any(false)
	if c.Weather(otherListName) != "" {
		name = "list"
	}
	if c.Weather(textFlags) != "" {
		more = "false"
	}
	return e.ok(c, map[string]any{name: rows, "hasNext": more, "cursor": ""})
}

// empties reports whether an edit takes all permissions from a key.
func (e *exchange) empties(c *venue.Call) bool {
	p := venue.JSONParams(c.Body)
	var list []string
	return p.Value("permList", &list) && len(list) == 0
}

// editKey answers POST /api/v2/user/modify-virtual-subaccount-apikey. Addresses
// that the request leaves out are removed; permissions that it leaves out stay.
// The documentation does not say whether a wrong passphrase is refused.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	s := classicSurface()
	p := venue.JSONParams(c.Body)
	p.Require(s.sub, s.apiKey, "passphrase", s.label)
	uid, apiKey, passphrase, label := p.Text(s.sub), p.Text(s.apiKey), p.Text("passphrase"), p.Text(s.label)
	_, list := s.readPermissions(p)
	addresses := s.readAddresses(p)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, s, uid)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(apiKey)
	switch {
	case k == nil || k.Account != sub:
		return e.refuse(c, cmp.Or(c.Weather(goneKey), noSubKey))
	case passphrase != k.Passphrase:
		return e.refuse(c, badKeysPass)
	case !s.labelFits(label):
		return e.refuse(c, badLabel)
	case len(addresses) > maxAddresses:
		return e.refuse(c, tooMany, s.ips, maxAddresses)
	}
	if refusal := e.refuseDeletion(c); refusal != nil {
		return refusal
	}
	k.Label, k.IPs = label, addresses
	switch {
	case p.Given(s.list) && len(list) == 0 && c.Weather(emptiedKey) == getsDefaults:
		k.Permissions = defaults()
	case p.Given(s.list) && len(list) == 0:
		c.EmptyKey(k)
	case p.Given(s.list):
		k.Permissions = c.Grant(list, s.surplus...)
	}
	shown := s.describe(c, k)
	shown[s.secret] = k.Secret
	return e.ok(c, shown)
}

// deleteUnified answers POST /api/v3/user/delete-sub-api. It deletes keys of
// sub-accounts, never the caller's own.
func (e *exchange) deleteUnified(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	name := "apiKey"
	if c.Weather(deletedKeyName) == inLowerCase {
		name = "apikey"
	}
	p.Require(name)
	k := c.Books.Key(p.Text(name))
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	switch {
	case k == nil:
		return e.refuse(c, cmp.Or(c.Weather(goneKey), noUsersKey))
	case k.Account.Parent != c.Key.Account:
		return e.refuse(c, unsupported)
	}
	if refusal := e.refuseDeletion(c); refusal != nil {
		return refusal
	}
	c.RemoveKey(k)
	return e.ok(c, struct{}{})
}

// deleteBroker answers POST /api/v2/broker/manage/delete-subaccount-apikey.
func (e *exchange) deleteBroker(c *venue.Call) *venue.Answer {
	s := brokerSurface()
	p := venue.JSONParams(c.Body)
	p.Require(s.sub, s.apiKey)
	uid, apiKey := p.Text(s.sub), p.Text(s.apiKey)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, s, uid)
	if refusal != nil {
		return refusal
	}
	k := c.Books.Key(apiKey)
	if k == nil || k.Account != sub {
		return e.refuse(c, cmp.Or(c.Weather(goneKey), noSubKey))
	}
	if refusal := e.refuseDeletion(c); refusal != nil {
		return refusal
	}
	c.RemoveKey(k)
	return e.ok(c, "success")
}
