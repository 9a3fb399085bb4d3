package simulator

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	okxMaxKeys      = 50
	okxMaxAddresses = 20
)

// readPermissions reads the parameter perm. Without it, and besides trade, a
// key gets read_only.
func (o *okx) readPermissions(c *call, p *params) (permissions []string, refusal *answer) {
	permissions = []string{okxRead}
	if text := p.text("perm"); text != "" {
		for name := range strings.SplitSeq(text, ",") {
			switch name {
			case okxRead:
			case okxTrade:
				permissions = []string{okxRead, okxTrade}
			case okxWithdraw:
				return nil, o.refuse(c, okxNoWithdrawals)
			default:
				p.complain("perm", badValue)
			}
		}
	}
	return permissions, nil
}

// readAddresses reads the parameter ip: addresses and network segments joined
// by commas.
func (o *okx) readAddresses(c *call, p *params) (addresses []string, refusal *answer) {
	list := p.text("ip")
	if list == "" {
		return nil, nil
	}
	addresses = strings.Split(list, ",")
	if len(addresses) > okxMaxAddresses {
		return nil, o.refuse(c, okxTooManyAddresses)
	}
	for _, entry := range addresses {
		_, err := netip.ParseAddr(entry)
		if strings.Contains(entry, "/") {
			_, err = netip.ParsePrefix(entry)
		}
		p.check("ip", err == nil)
	}
	return addresses, nil
}

// readLabel reads the parameter label. Its alphabet and length are those that
// the documentation states for labels elsewhere.
func (o *okx) readLabel(p *params) string {
	label := p.text("label")
	p.check("label", !p.given("label") || label != "" && len(label) <= 50 && okxAlphanumeric(label))
	return label
}

// labelTaken tells whether another key of the master's sub-accounts has the
// label.
func (o *okx) labelTaken(c *call, label string) bool {
	return slices.ContainsFunc(c.books.subAccounts(c.key.account), func(sub *account) bool {
		return slices.ContainsFunc(o.keysOf(c, sub), func(k *key) bool { return k.label == label })
	})
}

// keysOf lists the keys of a sub-account that have not ended.
func (o *okx) keysOf(c *call, sub *account) []*key {
	return slices.DeleteFunc(c.books.keysOf(sub), func(k *key) bool { return k.expired(c.now) })
}

func okxPassphraseFits(passphrase string) bool {
	lower, upper := alphanumeric[26:52], alphanumeric[:26]
	return len(passphrase) >= 8 && len(passphrase) <= 32 &&
		strings.ContainsAny(passphrase, lower) && strings.ContainsAny(passphrase, upper) &&
		strings.ContainsAny(passphrase, digits) && !okxAlphanumeric(passphrase)
}

// createKey answers POST /api/v5/users/subaccount/apikey.
func (o *okx) createKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subAcct", "label", "passphrase")
	name, label, passphrase := p.text("subAcct"), o.readLabel(p), p.text("passphrase")
	permissions, refusal := o.readPermissions(c, p)
	if refusal != nil {
		return refusal
	}
	addresses, refusal := o.readAddresses(c, p)
	if refusal != nil {
		return refusal
	}
	if why := p.complaint(); why != nil {
		return o.badParameter(c, why)
	}
	sub, refusal := o.subAccount(c, name)
	switch {
	case refusal != nil:
		return refusal
	case !okxPassphraseFits(passphrase):
		return o.refuse(c, okxBadPassphrase)
	case o.labelTaken(c, label):
		return o.refuse(c, okxLabelTaken)
	case len(o.keysOf(c, sub)) >= okxMaxKeys:
		return o.refuse(c, okxTooManyKeys)
	}
	k := c.books.addKey(&key{
		apiKey: randomUUID(), secret: randomText(32, upperHex), passphrase: passphrase, account: sub, label: label,
		permissions: c.grant(permissions, okxTrade, okxWithdraw), ips: addresses, created: c.now,
	})
	o.renew(k, c.now)
	shown := o.describeKey(k)
	shown["subAcct"], shown["secretKey"], shown["passphrase"] = sub.id, k.secret, k.passphrase
	return o.ok(shown)
}

func (o *okx) describeKey(k *key) map[string]string {
	return map[string]string{
		"label": k.label, "apiKey": k.apiKey, "perm": strings.Join(k.permissions, ","),
		"ip": strings.Join(k.ips, ","), "ts": okxTime(k.created),
	}
}

// listKeys answers GET /api/v5/users/subaccount/apikey, which knows no pages.
func (o *okx) listKeys(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("subAcct")
	name, wanted := p.text("subAcct"), p.text("apiKey")
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(c, why)
	}
	sub, refusal := o.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range o.keysOf(c, sub) {
		if wanted == "" || wanted == k.apiKey {
			rows = append(rows, o.describeKey(k))
		}
	}
	return o.ok(rows...)
}

// target finds the key that an edit or deletion names.
func (o *okx) target(c *call, p *params) (*key, *answer) {
	p.require("subAcct", "apiKey")
	name, apiKey := p.text("subAcct"), p.text("apiKey")
	if why := p.complaint(); why != nil {
		return nil, o.badParameter(c, why)
	}
	sub, refusal := o.subAccount(c, name)
	if refusal != nil {
		return nil, refusal
	}
	for _, k := range o.keysOf(c, sub) {
		if k.apiKey == apiKey {
			return k, nil
		}
	}
	return nil, o.refuse(c, okxNoSuchKey)
}

// editKey answers POST /api/v5/users/subaccount/modify-apikey: what is given
// replaces what was, and an empty ip removes the binding.
func (o *okx) editKey(c *call) *answer {
	p := jsonParams(c.body)
	label := o.readLabel(p)
	permissions, refusal := o.readPermissions(c, p)
	if refusal != nil {
		return refusal
	}
	addresses, refusal := o.readAddresses(c, p)
	if refusal != nil {
		return refusal
	}
	k, refusal := o.target(c, p)
	if refusal != nil {
		return refusal
	}
	if p.given("label") && label != k.label {
		if o.labelTaken(c, label) {
			return o.refuse(c, okxLabelTaken)
		}
		k.label = label
	}
	if p.given("perm") {
		k.permissions = c.grant(permissions, okxTrade, okxWithdraw)
	}
	if p.given("ip") {
		k.ips = addresses
	}
	o.renew(k, c.now)
	shown := o.describeKey(k)
	shown["subAcct"] = k.account.id
	// Here OKX writes "read" for what is read_only everywhere else.
	shown["perm"] = strings.ReplaceAll(shown["perm"], okxRead, "read")
	shown["ts"] = okxTime(c.now)
	return o.ok(shown)
}

// deleteKey answers POST /api/v5/users/subaccount/delete-apikey.
func (o *okx) deleteKey(c *call) *answer {
	k, refusal := o.target(c, jsonParams(c.body))
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	return o.ok(map[string]string{"subAcct": k.account.id})
}
