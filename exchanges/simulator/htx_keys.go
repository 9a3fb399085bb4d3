package simulator

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

const (
	htxMaxKeys      = 20
	htxMaxAddresses = 20
	htxMaxNote      = 255
)

// htxDay is the unit of a key's validDays.
const htxDay = 24 * time.Hour

// describeKey shows a key as lists do.
func (h *htx) describeKey(c *call, k *key) map[string]any {
	status, days := "normal", int64(-1)
	if !k.expires.IsZero() {
		days = int64(max(k.expires.Sub(c.now), 0) / htxDay)
	}
	if k.expired(c.now) {
		status = "expired"
	}
	return map[string]any{
		"accessKey": k.apiKey, "status": status, "note": k.label, "permission": strings.Join(k.permissions, ","),
		"ipAddresses": strings.Join(k.ips, ","), "validDays": days,
		"createTime": k.created.UnixMilli(), "updateTime": k.created.UnixMilli(),
	}
}

// queryKeys is GET /v2/user/api-key, which asks for one key or lists all.
func (h *htx) queryKeys(c *call) route {
	rt := route{
		pattern: "GET /v2/user/api-key", operation: exchanges.OpListKeys, permit: h.parentOnly, handle: h.listKeys,
		limits: h.shared(),
	}
	if formParams(c.URL.RawQuery).given("accessKey") {
		rt.operation = opOther
	}
	return rt
}

// listKeys answers GET /v2/user/api-key for the parent user itself or one of its
// sub-users.
func (h *htx) listKeys(c *call) *answer {
	p := h.params(c)
	p.require("uid")
	uid, wanted := p.integer("uid", 0), p.text("accessKey")
	if why := p.strictComplaint(); why != nil {
		return h.badParameter(c, why)
	}
	user := c.key.account
	if uid != htxUID(user) {
		sub, refusal := h.subUser(c, uid)
		if refusal != nil {
			return h.badParameter(c, &complaint{"uid", badValue})
		}
		user = sub
	}
	rows := []any{}
	for _, k := range c.books.keysOf(user) {
		if wanted == "" || wanted == k.apiKey {
			rows = append(rows, h.describeKey(c, k))
		}
	}
	return h.ok(c, rows)
}

// readPermission reads the permissions of a sub-user's key.
func (h *htx) readPermission(p *params) []string {
	var permissions []string
	for word := range strings.SplitSeq(p.text("permission"), ",") {
		word = strings.TrimSpace(word)
		p.check("permission", word == htxRead || word == htxTrade)
		permissions = append(permissions, word)
	}
	p.check("permission", slices.Contains(permissions, htxRead))
	return permissions
}

// readAddresses reads IPv4 and IPv6 addresses and IPv4 networks.
func (h *htx) readAddresses(p *params) []string {
	list := p.text("ipAddresses")
	if list == "" {
		return nil
	}
	addresses := strings.Split(list, ",")
	p.check("ipAddresses", len(addresses) <= htxMaxAddresses)
	for _, entry := range addresses {
		_, err := netip.ParseAddr(entry)
		if strings.Contains(entry, "/") {
			var network netip.Prefix
			network, err = netip.ParsePrefix(entry)
			p.check("ipAddresses", network.Addr().Is4())
		}
		p.check("ipAddresses", err == nil)
	}
	return addresses
}

func (h *htx) readNote(p *params) string {
	note := p.text("note")
	p.check("note", note != "" && len(note) <= htxMaxNote)
	return note
}

// checkCode checks the one-time code, where the parent user has an authenticator
// app. Whether a code is taken twice is not documented, nor what is answered to
// a wrong one.
func (h *htx) checkCode(c *call, code string) *answer {
	secret := h.totpSecrets[c.key.account.id]
	if secret == "" {
		return nil
	}
	step := oneTimeStep(c.now)
	switch {
	case code == "":
		return h.badParameter(c, &complaint{"otpToken", missing})
	case code != oneTimeCode(secret, c.now) || step <= h.lastSteps[c.key.account.id]:
		return h.badParameter(c, &complaint{"otpToken", badValue})
	}
	h.lastSteps[c.key.account.id] = step
	return nil
}

// createKey answers POST /v2/sub-user/api-key-generation. Fields that are not
// known are ignored.
func (h *htx) createKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("subUid", "note", "permission")
	uid, note, permissions, addresses := p.integer("subUid", 0), h.readNote(p), h.readPermission(p), h.readAddresses(p)
	code := ""
	if p.given("otpToken") {
		code = p.text("otpToken")
	}
	if why := p.complaint(); why != nil {
		return h.badParameter(c, why)
	}
	sub, refusal := h.subUser(c, uid)
	if refusal != nil {
		return refusal
	}
	if refusal := h.checkCode(c, code); refusal != nil {
		return refusal
	}
	if len(c.books.keysOf(sub)) >= htxMaxKeys {
		return h.refuse(c, htxTooManyKeys, "number of api key in the request exceeded valid range")
	}
	k := c.books.addKey(&key{
		apiKey: htxKeyText(), secret: htxKeyText(), account: sub, label: note,
		permissions: c.grant(permissions, htxTrade, htxWithdraw), ips: addresses, created: c.now,
	})
	if len(addresses) == 0 {
		k.expires = c.now.Add(htxUnboundLife)
	}
	// Here the permissions come in another order.
	shown := slices.Clone(k.permissions)
	slices.Reverse(shown)
	return h.ok(c, map[string]any{
		"accessKey": k.apiKey, "secretKey": k.secret, "note": k.label,
		"permission": strings.Join(shown, ","), "ipAddresses": strings.Join(k.ips, ","),
	})
}

// target finds the key that an edit or deletion names.
func (h *htx) target(c *call, p *params) (*key, *answer) {
	p.require("subUid", "accessKey")
	uid, accessKey := p.integer("subUid", 0), p.text("accessKey")
	if why := p.complaint(); why != nil {
		return nil, h.badParameter(c, why)
	}
	sub, refusal := h.subUser(c, uid)
	if refusal != nil {
		return nil, refusal
	}
	k := c.books.key(accessKey)
	if k == nil || k.account != sub {
		return nil, h.badParameter(c, &complaint{"accessKey", badValue})
	}
	return k, nil
}

// editKey answers POST /v2/sub-user/api-key-modification. What becomes of
// addresses that are not given is not documented; here they stay.
func (h *htx) editKey(c *call) *answer {
	p := jsonParams(c.body)
	k, refusal := h.target(c, p)
	if refusal != nil {
		return refusal
	}
	edited := *k
	if p.given("note") {
		edited.label = h.readNote(p)
	}
	if p.given("permission") {
		edited.permissions = c.grant(h.readPermission(p), htxTrade, htxWithdraw)
	}
	if p.given("ipAddresses") {
		edited.ips = h.readAddresses(p)
	}
	if why := p.complaint(); why != nil {
		return h.badParameter(c, why)
	}
	*k = edited
	return h.ok(c, map[string]any{
		"note": k.label, "permission": strings.Join(k.permissions, ","), "ipAddresses": strings.Join(k.ips, ","),
	})
}

// deleteKey answers POST /v2/sub-user/api-key-deletion.
func (h *htx) deleteKey(c *call) *answer {
	k, refusal := h.target(c, jsonParams(c.body))
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	return h.ok(c, nil)
}
