package simulator

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	bitgetMaxKeys      = 10
	bitgetMaxAddresses = 30
)

// bitgetSurface is one of the APIs by which keys are made. They differ in what
// things are called more than in what they do.
type bitgetSurface struct {
	sub, apiKey, secret, label, list, ips string // names of fields
	kind                                  string // field that says whether a key only reads; empty if there is none
	readOnly, readWrite                   string // the values of kind
	permissions                           []string
	surplus                               []string // what the fault GrantMore may add
	shortestPassphrase, longestLabel      int
	ipsRequired                           bool   // the list must be given
	writersBound                          bool   // and, for a key that can write, must not be empty
	noSub                                 string // code for a sub-account that is not the caller's
	namesSub                              bool   // answers name the sub-account
}

func bitgetUnified() bitgetSurface {
	return bitgetSurface{
		sub: "subUid", apiKey: "apiKey", secret: "secret", label: "note", list: "permissions", ips: "ips",
		kind: "type", readOnly: "read_only", readWrite: "read_write",
		permissions: []string{"uta_mgt", "uta_trade"}, surplus: []string{"uta_mgt", "withdraw"},
		shortestPassphrase: 8, longestLabel: 20, ipsRequired: true, noSub: bitgetNoUser,
	}
}

func bitgetClassic() bitgetSurface {
	return bitgetSurface{
		sub: "subAccountUid", apiKey: "subAccountApiKey", secret: "secretKey", label: "label", list: "permList", ips: "ipList",
		permissions: []string{"read", "spot_trade", "margin_trade", "contract_trade", "transfer"},
		surplus:     []string{"transfer"}, shortestPassphrase: 8, longestLabel: 20, noSub: bitgetNotVirtualSub, namesSub: true,
	}
}

func bitgetBroker() bitgetSurface {
	return bitgetSurface{
		sub: "subUid", apiKey: "apiKey", secret: "secretKey", label: "label", list: "permList", ips: "ipList",
		kind: "permType", readOnly: "readonly", readWrite: "read_and_write",
		permissions:        []string{"contract_order", "contract_position", "spot_trade", "margin_trade", "copytrading_trade", "wallet_transfer"},
		surplus:            []string{"wallet_transfer", "copytrading_trade"},
		shortestPassphrase: 6, longestLabel: 19, writersBound: true, noSub: bitgetNotYourSub, namesSub: true,
	}
}

// listOf is a key's list of permissions, which in the books begins with the
// value of kind, if there is one.
func (s bitgetSurface) listOf(k *key) []string {
	list := append([]string{}, k.permissions...)
	if s.kind != "" {
		list = list[1:]
	}
	return list
}

// describe shows a key as answers do, without its secret.
func (s bitgetSurface) describe(k *key) map[string]any {
	shown := map[string]any{
		s.apiKey: k.apiKey, s.label: k.label, s.list: s.listOf(k), s.ips: append([]string{}, k.ips...),
	}
	if s.kind != "" {
		shown[s.kind] = k.permissions[0]
	}
	if s.namesSub {
		shown[s.sub] = k.account.id
	}
	return shown
}

// subAccount finds the sub-account that a request names.
func (b *bitget) subAccount(c *call, s bitgetSurface, id string) (*account, *answer) {
	sub := c.books.account(id)
	if sub == nil || sub.parent != c.key.account {
		return nil, b.refuse(c, s.noSub)
	}
	return sub, nil
}

// readPermissions reads kind, if there is one, and the list.
func (s bitgetSurface) readPermissions(p *params) (kind string, list []string) {
	if s.kind != "" {
		p.require(s.kind, s.list)
		kind = p.text(s.kind)
		p.check(s.kind, kind == s.readOnly || kind == s.readWrite)
	}
	p.value(s.list, &list)
	for _, name := range list {
		p.check(s.list, slices.Contains(s.permissions, name))
	}
	if s.kind != "" && kind == s.readOnly {
		p.check(s.list, !slices.Contains(list, "wallet_transfer"))
	}
	return kind, list
}

// readAddresses reads the list of IPv4 addresses.
func (s bitgetSurface) readAddresses(p *params) []string {
	if s.ipsRequired {
		p.require(s.ips)
	}
	var addresses []string
	p.value(s.ips, &addresses)
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.check(s.ips, err == nil && address.Is4())
	}
	return addresses
}

// labelFits tells whether a label is allowed. Only unified accounts document an
// alphabet.
func (s bitgetSurface) labelFits(label string) bool {
	return label != "" && len(label) <= s.longestLabel &&
		strings.Contains(letters, label[:1]) && strings.Trim(label, alphanumeric+"-_") == ""
}

func (s bitgetSurface) passphraseFits(passphrase string) bool {
	return len(passphrase) >= s.shortestPassphrase && len(passphrase) <= 32 && strings.Trim(passphrase, alphanumeric) == "" &&
		strings.ContainsAny(passphrase, letters) && strings.ContainsAny(passphrase, digits)
}

// create answers the requests that create a key.
func (b *bitget) create(s bitgetSurface) func(*call) *answer {
	return func(c *call) *answer {
		p := jsonParams(c.body)
		p.require(s.sub, "passphrase", s.label)
		uid, passphrase, label := p.text(s.sub), p.text("passphrase"), p.text(s.label)
		kind, list := s.readPermissions(p)
		addresses := s.readAddresses(p)
		if why := p.strictComplaint(); why != nil {
			return b.badParameter(c, why)
		}
		sub, refusal := b.subAccount(c, s, uid)
		switch {
		case refusal != nil:
			return refusal
		case !s.labelFits(label):
			return b.refuse(c, bitgetBadLabel)
		case !s.passphraseFits(passphrase):
			return b.refuse(c, bitgetBadNewPassword)
		case len(addresses) > bitgetMaxAddresses:
			return b.refuse(c, bitgetTooMany, s.ips, bitgetMaxAddresses)
		case s.writersBound && kind == s.readWrite && len(addresses) == 0:
			return b.refuse(c, bitgetEmpty, s.ips)
		case len(c.books.keysOf(sub)) >= bitgetMaxKeys:
			return b.refuse(c, bitgetTooManyKeys)
		}
		granted := c.grant(list, s.surplus...)
		if s.kind != "" {
			granted = append([]string{kind}, granted...)
		}
		k := c.books.addKey(&key{
			apiKey: bitgetKeyText(), secret: randomText(64, lowerHex), passphrase: passphrase, account: sub, label: label,
			permissions: granted, ips: addresses, created: c.now,
		})
		shown := s.describe(k)
		shown[s.secret] = k.secret
		return b.ok(c, shown)
	}
}

// keysOf lists the keys of the sub-account that the query names.
func (b *bitget) keysOf(c *call, s bitgetSurface, p *params) ([]*key, *answer) {
	p.require(s.sub)
	uid := p.text(s.sub)
	if why := p.strictComplaint(); why != nil {
		return nil, b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, s, uid)
	if refusal != nil {
		return nil, refusal
	}
	return c.books.keysOf(sub), nil
}

// list answers the requests of version 2 that list keys. They know no pages.
func (b *bitget) list(s bitgetSurface) func(*call) *answer {
	return func(c *call) *answer {
		keys, refusal := b.keysOf(c, s, formParams(c.URL.RawQuery))
		if refusal != nil {
			return refusal
		}
		rows := []any{}
		for _, k := range keys {
			rows = append(rows, s.describe(k))
		}
		return b.ok(c, rows)
	}
}

// listUnified answers GET /api/v3/user/sub-api-list. No sub-account has more
// keys than fit on a page.
func (b *bitget) listUnified(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	size := p.integer("limit", 100)
	p.check("limit", size >= 1 && size <= 100)
	p.check("cursor", p.text("cursor") == "")
	s := bitgetUnified()
	keys, refusal := b.keysOf(c, s, p)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range keys[:min(int(size), len(keys))] {
		shown := s.describe(k)
		shown["ts"] = bitgetTime(k.created)
		rows = append(rows, shown)
	}
	return b.ok(c, map[string]any{"items": rows, "hasNext": false, "cursor": ""})
}

// empties tells whether an edit takes all permissions from a key.
func (b *bitget) empties(c *call) bool {
	p := jsonParams(c.body)
	var list []string
	return p.value("permList", &list) && len(list) == 0
}

// editKey answers POST /api/v2/user/modify-virtual-subaccount-apikey. Addresses
// that are not given are removed; permissions that are not given stay. Whether
// a wrong passphrase is refused is not documented.
func (b *bitget) editKey(c *call) *answer {
	s := bitgetClassic()
	p := jsonParams(c.body)
	p.require(s.sub, s.apiKey, "passphrase", s.label)
	uid, apiKey, passphrase, label := p.text(s.sub), p.text(s.apiKey), p.text("passphrase"), p.text(s.label)
	_, list := s.readPermissions(p)
	addresses := s.readAddresses(p)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, s, uid)
	if refusal != nil {
		return refusal
	}
	k := c.books.key(apiKey)
	switch {
	case k == nil || k.account != sub:
		return b.refuse(c, bitgetNoSubKey)
	case passphrase != k.passphrase:
		return b.refuse(c, bitgetBadKeysPass)
	case !s.labelFits(label):
		return b.refuse(c, bitgetBadLabel)
	case len(addresses) > bitgetMaxAddresses:
		return b.refuse(c, bitgetTooMany, s.ips, bitgetMaxAddresses)
	}
	k.label, k.ips = label, addresses
	switch {
	case p.given(s.list) && len(list) == 0:
		c.emptyKey(k)
	case p.given(s.list):
		k.permissions = c.grant(list, s.surplus...)
	}
	shown := s.describe(k)
	shown[s.secret] = k.secret
	return b.ok(c, shown)
}

// deleteUnified answers POST /api/v3/user/delete-sub-api. It deletes keys of
// sub-accounts, never one of the caller's own.
func (b *bitget) deleteUnified(c *call) *answer {
	p := jsonParams(c.body)
	p.require("apiKey")
	k := c.books.key(p.text("apiKey"))
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	switch {
	case k == nil:
		return b.refuse(c, bitgetNoUsersKey)
	case k.account.parent != c.key.account:
		return b.refuse(c, bitgetUnsupported)
	}
	c.removeKey(k)
	return b.ok(c, struct{}{})
}

// deleteBroker answers POST /api/v2/broker/manage/delete-subaccount-apikey.
func (b *bitget) deleteBroker(c *call) *answer {
	s := bitgetBroker()
	p := jsonParams(c.body)
	p.require(s.sub, s.apiKey)
	uid, apiKey := p.text(s.sub), p.text(s.apiKey)
	if why := p.strictComplaint(); why != nil {
		return b.badParameter(c, why)
	}
	sub, refusal := b.subAccount(c, s, uid)
	if refusal != nil {
		return refusal
	}
	k := c.books.key(apiKey)
	if k == nil || k.account != sub {
		return b.refuse(c, bitgetNoSubKey)
	}
	c.removeKey(k)
	return b.ok(c, "success")
}
