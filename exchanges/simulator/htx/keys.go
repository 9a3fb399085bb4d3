package htx

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 20
	maxAddresses = 20
	maxNote      = 255
)

// day is the unit of a key's validDays.
const day = 24 * time.Hour

// describeKey shows a key as lists do.
func (e *exchange) describeKey(c *venue.Call, k *venue.Key) map[string]any {
	status, days := "normal", int64(-1)
	if !k.Expires.IsZero() {
		days = int64(max(k.Expires.Sub(c.Now), 0) / day)
	}
	if k.Expired(c.Now) {
		status = "expired"
	}
	return map[string]any{
		"accessKey": k.APIKey, "status": status, "note": k.Label, "permission": strings.Join(k.Permissions, ","),
		"ipAddresses": strings.Join(k.IPs, ","), "validDays": number(c, days),
		"createTime": number(c, k.Created.UnixMilli()), "updateTime": number(c, k.Created.UnixMilli()),
	}
}

// queryKeys answers GET /v2/user/api-key, which asks for one key or lists all.
func (e *exchange) queryKeys(c *venue.Call) venue.Route {
	rt := venue.Route{
		Pattern: "GET /v2/user/api-key", Operation: exchanges.OpListKeys, Permit: e.parentOnly, Handle: e.listKeys,
		Limits: e.shared(),
	}
	if venue.FormParams(c.URL.RawQuery).Given("accessKey") {
		rt.Operation = venue.OpOther
	}
	return rt
}

// listKeys answers GET /v2/user/api-key for the parent user itself or one of its
// sub-users.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := e.params(c)
	p.Require("uid")
	uid, wanted := p.Integer("uid", 0), p.Text("accessKey")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	user := c.Key.Account
	if uid != uidOf(user) {
		sub, refusal := e.subUser(c, uid)
		if refusal != nil {
			return e.badParameter(c, &venue.Complaint{Param: "uid", Reason: venue.BadValue})
		}
		user = sub
	}
	rows := []any{}
	for _, k := range c.Listed(user) {
		if wanted == "" || wanted == k.APIKey {
			rows = append(rows, e.describeKey(c, k))
		}
	}
	return e.ok(c, rows)
}

// readPermission reads the permissions of a sub-user's key.
func (e *exchange) readPermission(p *venue.Params) []string {
	var permissions []string
	for word := range strings.SplitSeq(p.Text("permission"), ",") {
		word = strings.TrimSpace(word)
		p.Check("permission", word == read || word == trade)
		permissions = append(permissions, word)
	}
	p.Check("permission", slices.Contains(permissions, read))
	return permissions
}

// readAddresses reads IPv4 and IPv6 addresses and IPv4 networks.
func (e *exchange) readAddresses(p *venue.Params) []string {
	list := p.Text("ipAddresses")
	if list == "" {
		return nil
	}
	addresses := strings.Split(list, ",")
	p.Check("ipAddresses", len(addresses) <= maxAddresses)
	for _, entry := range addresses {
		_, err := netip.ParseAddr(entry)
		if strings.Contains(entry, "/") {
			var network netip.Prefix
			network, err = netip.ParsePrefix(entry)
			p.Check("ipAddresses", network.Addr().Is4())
		}
		p.Check("ipAddresses", err == nil)
	}
	return addresses
}

func (e *exchange) readNote(p *venue.Params) string {
	note := p.Text("note")
	p.Check("note", note != "" && len(note) <= maxNote)
	return note
}

// checkCode checks the one-time code of a parent user with an authenticator
// app. The documentation does not say whether HTX accepts a code twice, nor how
// it refuses a wrong one.
func (e *exchange) checkCode(c *venue.Call, code string) *venue.Answer {
	secret := e.totpSecrets[c.Key.Account.ID]
	weather := c.Weather(oneTimeCode)
	if secret == "" && weather != required || code == "" && weather == optional {
		return nil
	}
	step := venue.OneTimeStep(c.Now)
	wrong := secret == "" || code != venue.OneTimeCode(secret, c.Now) || step <= e.lastSteps[c.Key.Account.ID]
	switch {
	case wrong && weather == unlisted:
		return e.refuse(c, noSuchCode, "verification failed")
	case code == "":
		return e.badParameter(c, &venue.Complaint{Param: "otpToken", Reason: venue.Missing})
	case wrong:
		return e.badParameter(c, &venue.Complaint{Param: "otpToken", Reason: venue.BadValue})
	}
	e.lastSteps[c.Key.Account.ID] = step
	return nil
}

// createKey answers POST /v2/sub-user/api-key-generation. It ignores unknown
// fields.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("subUid", "note", "permission")
	uid, note, permissions, addresses := p.Integer("subUid", 0), e.readNote(p), e.readPermission(p), e.readAddresses(p)
	code := ""
	if p.Given("otpToken") {
		code = p.Text("otpToken")
	}
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	sub, refusal := e.subUser(c, uid)
	if refusal != nil {
		return refusal
	}
	if refusal := e.checkCode(c, code); refusal != nil {
		return refusal
	}
	most := maxKeys
	if c.Weather(fullUser) != "" {
		most = fewestMaxKeys
	}
	if len(c.Books.KeysOf(sub)) >= most {
		return e.refuse(c, tooManyKeys, "number of api key in the request exceeded valid range")
	}
	k := c.Books.AddKey(&venue.Key{
		APIKey: keyText(), Secret: keyText(), Account: sub, Label: note,
		Permissions: c.Grant(permissions, trade, withdraw), IPs: addresses, Created: c.Now,
	})
	if len(addresses) == 0 {
		k.Expires = c.Now.Add(unboundLife)
	}
	// This answer lists the permissions in another order.
	shown := slices.Clone(k.Permissions)
	slices.Reverse(shown)
	return e.ok(c, map[string]any{
		"accessKey": k.APIKey, "secretKey": k.Secret, "note": k.Label,
		"permission": strings.Join(shown, ","), "ipAddresses": strings.Join(k.IPs, ","),
	})
}

// target finds the key that an edit or deletion names.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("subUid", "accessKey")
	uid, accessKey := p.Integer("subUid", 0), p.Text("accessKey")
	if why := p.Complaint(); why != nil {
		return nil, e.badParameter(c, why)
	}
	sub, refusal := e.subUser(c, uid)
	if refusal != nil {
		return nil, refusal
	}
	k := c.Books.Key(accessKey)
	if k == nil || k.Account != sub {
		return nil, e.badParameter(c, &venue.Complaint{Param: "accessKey", Reason: venue.BadValue})
	}
	return k, nil
}

// editKey answers POST /v2/sub-user/api-key-modification. The documentation
// does not say what happens to addresses that the request leaves out; here they
// stay.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	edited := *k
	if p.Given("note") {
		edited.Label = e.readNote(p)
	}
	if p.Given("permission") {
		edited.Permissions = c.Grant(e.readPermission(p), trade, withdraw)
	}
	if p.Given("ipAddresses") {
		edited.IPs = e.readAddresses(p)
	}
	if why := p.Complaint(); why != nil {
		return e.badParameter(c, why)
	}
	*k = edited
	return e.ok(c, map[string]any{
		"note": k.Label, "permission": strings.Join(k.Permissions, ","), "ipAddresses": strings.Join(k.IPs, ","),
	})
}

// deleteKey answers POST /v2/sub-user/api-key-deletion.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	if k.Account.Frozen && c.Weather(lockedUser) != "" {
		return e.refuse(c, unauthorized, "the sub user is locked")
	}
	c.RemoveKey(k)
	return e.ok(c, nil)
}
