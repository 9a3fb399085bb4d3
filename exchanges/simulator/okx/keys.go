package okx

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 50
	maxAddresses = 20
)

// readPermissions reads the parameter perm. A key gets read_only if perm is
// missing, and also in addition to trade.
func (e *exchange) readPermissions(c *venue.Call, p *venue.Params) (permissions []string, refusal *venue.Answer) {
	permissions = []string{read}
	if text := p.Text("perm"); text != "" {
		for name := range strings.SplitSeq(text, ",") {
			switch name {
			case read:
			case trade:
				permissions = []string{read, trade}
				if text == trade && c.Weather(impliedRead) == never {
					permissions = []string{trade}
				}
			case withdraw:
				return nil, e.refuse(c, noWithdrawals)
			default:
				p.Complain("perm", venue.BadValue)
			}
		}
	}
	return permissions, nil
}

// readAddresses reads the parameter ip: addresses and network blocks joined by
// commas.
func (e *exchange) readAddresses(c *venue.Call, p *venue.Params) (addresses []string, refusal *venue.Answer) {
	list := p.Text("ip")
	if list == "" {
		return nil, nil
	}
	addresses = strings.Split(list, ",")
	if len(addresses) > maxAddresses {
		return nil, e.refuse(c, tooManyAddresses)
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
// the documentation states for labels in other places.
func (e *exchange) readLabel(p *venue.Params) string {
	label := p.Text("label")
	p.Check("label", !p.Given("label") || label != "" && len(label) <= 50 && alphanumeric(label))
	return label
}

// labelTaken reports whether any other key of the master's sub-accounts, of which
// the given is one, has the label.
func (e *exchange) labelTaken(c *venue.Call, in *venue.Account, label string) bool {
	subs := c.Books.SubAccounts(c.Key.Account)
	if c.Weather(labelScope) != "" {
		subs = []*venue.Account{in}
	}
	return slices.ContainsFunc(subs, func(sub *venue.Account) bool {
		return slices.ContainsFunc(e.keysOf(c, sub), func(k *venue.Key) bool { return k.Label == label })
	})
}

// keysOf are the keys of a sub-account that have not ended.
func (e *exchange) keysOf(c *venue.Call, sub *venue.Account) []*venue.Key {
	return e.alive(c, c.Books.KeysOf(sub))
}

// alive leaves out keys that have ended.
func (e *exchange) alive(c *venue.Call, keys []*venue.Key) []*venue.Key {
	return slices.DeleteFunc(keys, func(k *venue.Key) bool { return k.Expired(c.Now) })
}

func passphraseFits(passphrase string) bool {
	lower, upper := venue.Alphanumeric[26:52], venue.Alphanumeric[:26]
	return len(passphrase) >= 8 && len(passphrase) <= 32 &&
		strings.ContainsAny(passphrase, lower) && strings.ContainsAny(passphrase, upper) &&
		strings.ContainsAny(passphrase, venue.Digits) && !alphanumeric(passphrase)
}

// createKey answers POST /api/v5/users/subaccount/apikey.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subAcct", "label", "passphrase")
	name, label, passphrase := p.Text("subAcct"), e.readLabel(p), p.Text("passphrase")
	permissions, refusal := e.readPermissions(c, p)
	if refusal != nil {
		return refusal
	}
	addresses, refusal := e.readAddresses(c, p)
	if refusal != nil {
		return refusal
	}
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	switch {
	case refusal != nil:
		return refusal
	case !passphraseFits(passphrase):
		return e.refuse(c, badPassphrase)
	case c.Weather(minting) == nowhere:
		return e.refuse(c, notInDemo)
	case e.labelTaken(c, sub, label):
		return e.refuse(c, labelTaken)
	case e.counted(c, sub) >= maxKeys:
		return e.refuse(c, tooManyKeys)
	}
	k := c.Books.AddKey(&venue.Key{
		APIKey: venue.RandomUUID(), Secret: venue.RandomText(32, venue.UpperHex), Passphrase: passphrase, Account: sub, Label: label,
		Permissions: c.Grant(permissions, trade, withdraw), IPs: addresses, Created: c.Now,
	})
	e.renew(k, c.Now)
	shown := e.describeKey(c, k)
	shown["subAcct"], shown["secretKey"], shown["passphrase"] = sub.ID, k.Secret, k.Passphrase
	return e.ok(shown)
}

func (e *exchange) describeKey(c *venue.Call, k *venue.Key) map[string]string {
	return map[string]string{
		"label": k.Label, "apiKey": k.APIKey, "perm": e.words(c, k.Permissions),
		"ip": strings.Join(k.IPs, ","), "ts": millis(k.Created),
	}
}

// listKeys answers GET /api/v5/users/subaccount/apikey, which has no pages.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("subAcct")
	name, wanted := p.Text("subAcct"), p.Text("apiKey")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	if refusal != nil {
		return refusal
	}
	rows := []any{}
	for _, k := range e.alive(c, c.Listed(sub)) {
		if wanted == "" || wanted == k.APIKey {
			rows = append(rows, e.describeKey(c, k))
		}
	}
	return e.ok(rows...)
}

// target finds the key that an edit or deletion names.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("subAcct", "apiKey")
	name, apiKey := p.Text("subAcct"), p.Text("apiKey")
	if why := p.Complaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	sub, refusal := e.subAccount(c, name)
	if refusal != nil {
		return nil, refusal
	}
	for _, k := range e.keysOf(c, sub) {
		if k.APIKey == apiKey {
			return k, nil
		}
	}
	return nil, e.refuse(c, cmp.Or(c.Weather(goneKey), noSuchKey))
}

// editKey answers POST /api/v5/users/subaccount/modify-apikey. What the request
// gives replaces what was there, and an empty ip removes the binding.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	label := e.readLabel(p)
	permissions, refusal := e.readPermissions(c, p)
	if refusal != nil {
		return refusal
	}
	addresses, refusal := e.readAddresses(c, p)
	if refusal != nil {
		return refusal
	}
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	if p.Given("label") && label != k.Label {
		if e.labelTaken(c, k.Account, label) {
			return e.refuse(c, labelTaken)
		}
		k.Label = label
	}
	if p.Given("perm") {
		k.Permissions = c.Grant(permissions, trade, withdraw)
	}
	if p.Given("ip") {
		k.IPs = addresses
	}
	e.renew(k, c.Now)
	shown := e.describeKey(c, k)
	shown["subAcct"] = k.Account.ID
	// Only here does OKX write "read" for read_only.
	shown["perm"] = strings.ReplaceAll(shown["perm"], read, "read")
	shown["ts"] = millis(c.Now)
	return e.ok(shown)
}

// deleteKey answers POST /api/v5/users/subaccount/delete-apikey.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	if c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, subAccountFrozen)
	}
	c.RemoveKey(k)
	return e.ok(map[string]string{"subAcct": k.Account.ID})
}
