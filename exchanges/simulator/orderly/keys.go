package orderly

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const orderlyTagLength = 32

// AddKey answers POST /v1/orderly_key, which the wallet signs in the body.
func (o *orderly) addKey(c *venue.Call) *venue.Answer {
	r, err := readRegistration(c.Body)
	if err != nil || !r.complete() {
		return o.refuse(orderlyInvalid, "the body has the wrong format")
	}
	m := r.Message
	expires := time.UnixMilli(*m.Expiration)
	scope := strings.Split(m.Scope, ",")
	switch {
	case m.BrokerID != orderlyBroker:
		return o.refuse(orderlyNoBroker, "The broker id does not exist.")
	case time.UnixMilli(*m.Timestamp).Sub(c.Now).Abs() > orderlyWindow:
		return o.refuse(orderlyInvalid, "the timestamp is outside of the allowed window")
	case *m.ChainID != 42161 || m.ChainType != "" && m.ChainType != "EVM":
		return o.refuse(orderlyInvalid, "the chain is not supported")
	case orderlyPublic(m.OrderlyKey) == nil:
		return o.refuse(orderlyInvalid, "orderlyKey has the wrong format")
	case !orderlyScopes(scope):
		return o.refuse(orderlyInvalid, "scope is not valid")
	case !expires.After(c.Now) || expires.After(c.Now.Add(orderlyMaxAge)):
		return o.refuse(orderlyInvalid, "expiration must be at most 365 days ahead")
	case len(m.Tag) > orderlyTagLength:
		return o.refuse(orderlyInvalid, "tag is too long")
	case r.signer() == "" || !strings.EqualFold(r.signer(), r.UserAddress):
		return o.refuse(orderlyInvalid, "address and signature do not match")
	}
	holder := c.Books.Account(orderlyAccountID(r.signer(), m.BrokerID))
	if holder == nil {
		return o.refuse(orderlyMissing, "account does not exist")
	}
	if m.SubAccountID != "" {
		sub := c.Books.Account(m.SubAccountID)
		if sub == nil || sub.Parent != holder {
			return o.refuse(orderlyMissing, "sub-account does not exist")
		}
		holder = sub
	}
	if c.Books.Key(m.OrderlyKey) != nil || slices.ContainsFunc(o.removed, func(r orderlyRemoved) bool { return r.APIKey == m.OrderlyKey }) {
		return o.refuse(orderlyDuplicate, "the key exists already")
	}
	c.Books.AddKey(&venue.Key{
		Kind: o.kindOf(holder), APIKey: m.OrderlyKey, Public: orderlyPublic(m.OrderlyKey), Account: holder, Label: m.Tag,
		Permissions: c.Grant(scope, orderlyRead, orderlyTrading, orderlyAsset), Created: c.Now, Expires: expires,
	})
	return o.ok(c, map[string]any{"id": len(c.Books.Keys), "orderly_key": m.OrderlyKey})
}

// kindOf marks the keys of a main account: they are roots, not minted.
func (o *orderly) kindOf(holder *venue.Account) string {
	if holder.Parent == nil {
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
func (o *orderly) statusOf(c *venue.Call, r orderlyRemoved) string {
	if c.Documented(r.at) < orderlyRemoving {
		return "REMOVING"
	}
	return "REMOVED"
}

// getKey answers GET /v1/get_orderly_key, which anybody may ask.
func (o *orderly) getKey(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("account_id", "orderly_key")
	holder, public := p.Text("account_id"), p.Text("orderly_key")
	if why := p.StrictComplaint(); why != nil {
		return o.badParameter(why)
	}
	k := c.Books.Key(public)
	for _, r := range o.removed {
		if r.APIKey == public && o.statusOf(c, r) == "REMOVING" {
			k = r.Key
		}
	}
	if k == nil || k.Account.ID != holder || k.Expired(c.Now) {
		return o.refuse(orderlyMissing, "the key does not exist")
	}
	return o.ok(c, map[string]any{
		"orderly_key": k.APIKey, "scope": strings.Join(k.Permissions, ","), "expiration": k.Expires.UnixMilli(), "tag": k.Label,
	})
}

func (o *orderly) describeKey(k *venue.Key, status string) map[string]any {
	restriction := "ALLOW_ALL_IPS"
	if len(k.IPs) > 0 {
		restriction = "ALLOW_RESTRICTION_LIST"
	}
	return map[string]any{
		"orderly_key": k.APIKey, "key_status": status, "ip_restriction_list": append([]string{}, k.IPs...),
		"ip_restriction_status": restriction, "expiration": k.Expires.UnixMilli(), "scope": strings.Join(k.Permissions, ","), "tag": k.Label,
	}
}

// listKeys answers GET /v1/client/key_info. How many rows a page has unless
// asked is open.
func (o *orderly) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	status, page, size := p.Text("key_status"), p.Integer("page", 1), p.Integer("size", 20)
	p.Check("key_status", status == "" || status == "ACTIVE" || status == "REMOVING" || status == "REMOVED")
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 999)
	if why := p.StrictComplaint(); why != nil {
		return o.badParameter(why)
	}
	holder := o.acting(c)
	rows := []map[string]any{}
	for _, k := range c.Books.KeysOf(holder) {
		if k.Public != nil && !k.Expired(c.Now) {
			rows = append(rows, o.describeKey(k, "ACTIVE"))
		}
	}
	for _, r := range o.removed {
		if r.Account == holder {
			rows = append(rows, o.describeKey(r.Key, o.statusOf(c, r)))
		}
	}
	rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return status != "" && row["key_status"] != status })
	start := min((page-1)*size, int64(len(rows)))
	return o.ok(c, map[string]any{"rows": rows[start:min(start+size, int64(len(rows)))]})
}

// target finds the key that a request names.
func (o *orderly) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("orderly_key")
	public := p.Text("orderly_key")
	if why := p.StrictComplaint(); why != nil {
		return nil, o.badParameter(why)
	}
	k := c.Books.Key(public)
	if k == nil || k.Account != o.acting(c) {
		return nil, o.refuse(orderlyMissing, "the key does not exist")
	}
	return k, nil
}

// RemoveKey answers POST /v1/client/remove_orderly_key. No key removes itself.
func (o *orderly) removeKey(c *venue.Call) *venue.Answer {
	k, refusal := o.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	if k == c.Key {
		return o.refuse(orderlyInvalid, "a key must be removed by another one")
	}
	c.RemoveKey(k)
	if c.Books.Key(k.APIKey) == nil {
		o.removed = append(o.removed, orderlyRemoved{k, c.Now})
	}
	return o.ok(c, nil)
}

// restrictKey answers POST /v1/client/set_orderly_key_ip_restriction.
func (o *orderly) restrictKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("ip_restriction_list")
	list := strings.Split(p.Text("ip_restriction_list"), ",")
	p.Check("ip_restriction_list", !slices.ContainsFunc(list, func(entry string) bool {
		first, last, err := orderlyRange(entry)
		return err != nil || !first.Is4() || !last.Is4() || last.Compare(first) < 0
	}))
	k, refusal := o.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.IPs = list
	return o.ok(c, map[string]any{"ip_restriction_list": list})
}

// unrestrictKey answers POST /v1/client/reset_orderly_key_ip_restriction.
func (o *orderly) unrestrictKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("reset_mode")
	mode := p.Text("reset_mode")
	p.Check("reset_mode", mode == "ALLOW_ALL_IPS" || mode == "DISALLOW_ALL_IPS")
	k, refusal := o.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.IPs = nil
	if mode == "DISALLOW_ALL_IPS" {
		k.IPs = []string{netip.IPv4Unspecified().String()}
	}
	return o.ok(c, map[string]any{"ip_restriction_list": append([]string{}, k.IPs...)})
}
