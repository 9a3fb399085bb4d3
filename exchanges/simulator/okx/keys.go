package okx

import (
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	okxMaxKeys      = 50
	okxMaxAddresses = 20
)

// readPermissions reads the parameter perm. Without it, and besides trade, a
// key gets read_only.
func (o *okx) readPermissions(c *venue.Call, p *venue.Params) (permissions []string, refusal *venue.Answer) {
	permissions = []string{okxRead}
	if text := p.Text("perm"); text != "" {
		for name := range strings.SplitSeq(text, ",") {
			switch name {
			case okxRead:
			case okxTrade:
				permissions = []string{okxRead, okxTrade}
			case okxWithdraw:
				return nil, o.refuse(c, okxNoWithdrawals)
			default:
				p.Complain("perm", venue.BadValue)
			}
		}
	}
	return permissions, nil
}

// readAddresses reads the parameter ip: addresses and network segments joined
// by commas.
func (o *okx) readAddresses(c *venue.Call, p *venue.Params) (addresses []string, refusal *venue.Answer) {
	list := p.Text("ip")
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
		p.Check("ip", err == nil)
	}
	return addresses, nil
}

// readLabel reads the parameter label. Its alphabet and length are those that
// the documentation states for labels elsewhere.
func (o *okx) readLabel(p *venue.Params) string {
	label := p.Text("label")
	p.Check("label", !p.Given("label") || label != "" && len(label) <= 50 && okxAlphanumeric(label))
	return label
}

// labelTaken tells whether another key of the master's sub-accounts has the
// label.
func (o *okx) labelTaken(c *venue.Call, label string) bool {
	return slices.ContainsFunc(c.Books.SubAccounts(c.Key.Account), func(sub *venue.Account) bool {
		return slices.ContainsFunc(o.keysOf(c, sub), func(k *venue.Key) bool { return k.Label == label })
	})
}

// KeysOf lists the keys of a sub-account that have not ended.
func (o *okx) keysOf(c *venue.Call, sub *venue.Account) []*venue.Key {
	return slices.DeleteFunc(c.Books.KeysOf(sub), func(k *venue.Key) bool { return k.Expired(c.Now) })
}

func okxPassphraseFits(passphrase string) bool {
	lower, upper := venue.Alphanumeric[26:52], venue.Alphanumeric[:26]
	return len(passphrase) >= 8 && len(passphrase) <= 32 &&
		strings.ContainsAny(passphrase, lower) && strings.ContainsAny(passphrase, upper) &&
		strings.ContainsAny(passphrase, venue.Digits) && !okxAlphanumeric(passphrase)
}

// createKey answers POST /api/v5/users/subaccount/apikey.
func (o *okx) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subAcct", "label", "passphrase")
	name, label, passphrase := p.Text("subAcct"), o.readLabel(p), p.Text("passphrase")
	permissions, refusal := o.readPermissions(c, p)
	if refusal != nil {
		return refusal
	}
	addresses, refusal := o.readAddresses(c, p)
	if refusal != nil {
		return refusal
	}
	if why := p.Complaint(); why != nil {
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
	k := c.Books.AddKey(&venue.Key{
		APIKey: venue.RandomUUID(), Secret: venue.RandomText(32, venue.UpperHex), Passphrase: passphrase, Account: sub, Label: label,
		Permissions: c.Grant(permissions, okxTrade, okxWithdraw), IPs: addresses, Created: c.Now,
	})
	o.renew(k, c.Now)
	shown := o.describeKey(k)
	shown["subAcct"], shown["secretKey"], shown["passphrase"] = sub.ID, k.Secret, k.Passphrase
	return o.ok(shown)
}

func (o *okx) describeKey(k *venue.Key) map[string]string {
	return map[string]string{
		"label": k.Label, "apiKey": k.APIKey, "perm": strings.Join(k.Permissions, ","),
		"ip": strings.Join(k.IPs, ","), "ts": okxTime(k.Created),
	}
}

// listKeys answers GET /api/v5/users/subaccount/apikey, which knows no pages.
func (o *okx) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("subAcct")
	name, wanted := p.Text("subAcct"), p.Text("apiKey")
	if why := p.StrictComplaint(); why != nil {
		return o.badParameter(c, why)
	}
	sub, refusal := o.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range o.keysOf(c, sub) {
		if wanted == "" || wanted == k.APIKey {
			rows = append(rows, o.describeKey(k))
		}
	}
	return o.ok(rows...)
}

// target finds the key that an edit or deletion names.
func (o *okx) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("subAcct", "apiKey")
	name, apiKey := p.Text("subAcct"), p.Text("apiKey")
	if why := p.Complaint(); why != nil {
		return nil, o.badParameter(c, why)
	}
	sub, refusal := o.subAccount(c, name)
	if refusal != nil {
		return nil, refusal
	}
	for _, k := range o.keysOf(c, sub) {
		if k.APIKey == apiKey {
			return k, nil
		}
	}
	return nil, o.refuse(c, okxNoSuchKey)
}

// editKey answers POST /api/v5/users/subaccount/modify-apikey: what is given
// replaces what was, and an empty ip removes the binding.
func (o *okx) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
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
	if p.Given("label") && label != k.Label {
		if o.labelTaken(c, label) {
			return o.refuse(c, okxLabelTaken)
		}
		k.Label = label
	}
	if p.Given("perm") {
		k.Permissions = c.Grant(permissions, okxTrade, okxWithdraw)
	}
	if p.Given("ip") {
		k.IPs = addresses
	}
	o.renew(k, c.Now)
	shown := o.describeKey(k)
	shown["subAcct"] = k.Account.ID
	// Here OKX writes "read" for what is read_only everywhere else.
	shown["perm"] = strings.ReplaceAll(shown["perm"], okxRead, "read")
	shown["ts"] = okxTime(c.Now)
	return o.ok(shown)
}

// deleteKey answers POST /api/v5/users/subaccount/delete-apikey.
func (o *okx) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := o.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	c.RemoveKey(k)
	return o.ok(map[string]string{"subAcct": k.Account.ID})
}
