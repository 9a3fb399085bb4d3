package simulator

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

const orderlyTagLength = 32

// addKey answers POST /v1/orderly_key, which the wallet signs in the body.
func (o *orderly) addKey(c *call) *answer {
	r, err := readRegistration(c.body)
	if err != nil || !r.complete() {
		return o.refuse(orderlyInvalid, "the body has the wrong format")
	}
	m := r.Message
	expires := time.UnixMilli(*m.Expiration)
	scope := strings.Split(m.Scope, ",")
	switch {
	case m.BrokerID != orderlyBroker:
		return o.refuse(orderlyNoBroker, "The broker id does not exist.")
	case time.UnixMilli(*m.Timestamp).Sub(c.now).Abs() > orderlyWindow:
		return o.refuse(orderlyInvalid, "the timestamp is outside of the allowed window")
	case *m.ChainID != 42161 || m.ChainType != "" && m.ChainType != "EVM":
		return o.refuse(orderlyInvalid, "the chain is not supported")
	case orderlyPublic(m.OrderlyKey) == nil:
		return o.refuse(orderlyInvalid, "orderlyKey has the wrong format")
	case !orderlyScopes(scope):
		return o.refuse(orderlyInvalid, "scope is not valid")
	case !expires.After(c.now) || expires.After(c.now.Add(orderlyMaxAge)):
		return o.refuse(orderlyInvalid, "expiration must be at most 365 days ahead")
	case len(m.Tag) > orderlyTagLength:
		return o.refuse(orderlyInvalid, "tag is too long")
	case r.signer() == "" || !strings.EqualFold(r.signer(), r.UserAddress):
		return o.refuse(orderlyInvalid, "address and signature do not match")
	}
	holder := c.books.account(orderlyAccountID(r.signer(), m.BrokerID))
	if holder == nil {
		return o.refuse(orderlyMissing, "account does not exist")
	}
	if m.SubAccountID != "" {
		sub := c.books.account(m.SubAccountID)
		if sub == nil || sub.parent != holder {
			return o.refuse(orderlyMissing, "sub-account does not exist")
		}
		holder = sub
	}
	if c.books.key(m.OrderlyKey) != nil || slices.ContainsFunc(o.removed, func(r orderlyRemoved) bool { return r.apiKey == m.OrderlyKey }) {
		return o.refuse(orderlyDuplicate, "the key exists already")
	}
	c.books.addKey(&key{
		kind: o.kindOf(holder), apiKey: m.OrderlyKey, public: orderlyPublic(m.OrderlyKey), account: holder, label: m.Tag,
		permissions: c.grant(scope, orderlyRead, orderlyTrading, orderlyAsset), created: c.now, expires: expires,
	})
	return o.ok(c, map[string]any{"id": len(c.books.keys), "orderly_key": m.OrderlyKey})
}

// kindOf marks the keys of a main account: they are roots, not minted.
func (o *orderly) kindOf(holder *account) string {
	if holder.parent == nil {
		return "own"
	}
	return ""
}

// orderlyScopes tells whether a list names scopes, each once.
func orderlyScopes(list []string) bool {
	for i, scope := range list {
		if scope != orderlyRead && scope != orderlyTrading && scope != orderlyAsset || slices.Contains(list[:i], scope) {
			return false
		}
	}
	return true
}

// statusOf tells what became of a removed key.
func (o *orderly) statusOf(c *call, r orderlyRemoved) string {
	if c.documented(r.at) < orderlyRemoving {
		return "REMOVING"
	}
	return "REMOVED"
}

// getKey answers GET /v1/get_orderly_key, which anybody may ask.
func (o *orderly) getKey(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("account_id", "orderly_key")
	holder, public := p.text("account_id"), p.text("orderly_key")
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(why)
	}
	k := c.books.key(public)
	for _, r := range o.removed {
		if r.apiKey == public && o.statusOf(c, r) == "REMOVING" {
			k = r.key
		}
	}
	if k == nil || k.account.id != holder || k.expired(c.now) {
		return o.refuse(orderlyMissing, "the key does not exist")
	}
	return o.ok(c, map[string]any{
		"orderly_key": k.apiKey, "scope": strings.Join(k.permissions, ","), "expiration": k.expires.UnixMilli(), "tag": k.label,
	})
}

func (o *orderly) describeKey(k *key, status string) map[string]any {
	restriction := "ALLOW_ALL_IPS"
	if len(k.ips) > 0 {
		restriction = "ALLOW_RESTRICTION_LIST"
	}
	return map[string]any{
		"orderly_key": k.apiKey, "key_status": status, "ip_restriction_list": append([]string{}, k.ips...),
		"ip_restriction_status": restriction, "expiration": k.expires.UnixMilli(), "scope": strings.Join(k.permissions, ","), "tag": k.label,
	}
}

// listKeys answers GET /v1/client/key_info. How many rows a page has unless
// asked is open.
func (o *orderly) listKeys(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	status, page, size := p.text("key_status"), p.integer("page", 1), p.integer("size", 20)
	p.check("key_status", status == "" || status == "ACTIVE" || status == "REMOVING" || status == "REMOVED")
	p.check("page", page >= 1)
	p.check("size", size >= 1 && size <= 999)
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(why)
	}
	holder := o.acting(c)
	rows := []map[string]any{}
	for _, k := range c.books.keysOf(holder) {
		if k.public != nil && !k.expired(c.now) {
			rows = append(rows, o.describeKey(k, "ACTIVE"))
		}
	}
	for _, r := range o.removed {
		if r.account == holder {
			rows = append(rows, o.describeKey(r.key, o.statusOf(c, r)))
		}
	}
	rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return status != "" && row["key_status"] != status })
	start := min((page-1)*size, int64(len(rows)))
	return o.ok(c, map[string]any{"rows": rows[start:min(start+size, int64(len(rows)))]})
}

// target finds the key that a request names.
func (o *orderly) target(c *call, p *params) (*key, *answer) {
	p.require("orderly_key")
	public := p.text("orderly_key")
	if why := p.strictComplaint(); why != nil {
		return nil, o.badParameter(why)
	}
	k := c.books.key(public)
	if k == nil || k.account != o.acting(c) {
		return nil, o.refuse(orderlyMissing, "the key does not exist")
	}
	return k, nil
}

// removeKey answers POST /v1/client/remove_orderly_key. No key removes itself.
func (o *orderly) removeKey(c *call) *answer {
	k, refusal := o.target(c, jsonParams(c.body))
	if refusal != nil {
		return refusal
	}
	if k == c.key {
		return o.refuse(orderlyInvalid, "a key must be removed by another one")
	}
	c.removeKey(k)
	if c.books.key(k.apiKey) == nil {
		o.removed = append(o.removed, orderlyRemoved{k, c.now})
	}
	return o.ok(c, nil)
}

// restrictKey answers POST /v1/client/set_orderly_key_ip_restriction.
func (o *orderly) restrictKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("ip_restriction_list")
	list := strings.Split(p.text("ip_restriction_list"), ",")
	p.check("ip_restriction_list", !slices.ContainsFunc(list, func(entry string) bool {
		first, last, err := orderlyRange(entry)
		return err != nil || !first.Is4() || !last.Is4() || last.Compare(first) < 0
	}))
	k, refusal := o.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.ips = list
	return o.ok(c, map[string]any{"ip_restriction_list": list})
}

// unrestrictKey answers POST /v1/client/reset_orderly_key_ip_restriction.
func (o *orderly) unrestrictKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("reset_mode")
	mode := p.text("reset_mode")
	p.check("reset_mode", mode == "ALLOW_ALL_IPS" || mode == "DISALLOW_ALL_IPS")
	k, refusal := o.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.ips = nil
	if mode == "DISALLOW_ALL_IPS" {
		k.ips = []string{netip.IPv4Unspecified().String()}
	}
	return o.ok(c, map[string]any{"ip_restriction_list": append([]string{}, k.ips...)})
}
