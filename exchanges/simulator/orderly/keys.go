package orderly

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const tagLength = 32

// ownKey marks keys of a main account.
const ownKey = "own"

// AddKey answers POST /v1/orderly_key, whose body the wallet signs.
func (e *exchange) addKey(c *venue.Call) *venue.Answer {
	r, err := readRegistration(c.Body)
	if err != nil || !r.complete() {
		return e.refuse(invalid, "the body has the wrong format")
	}
	m := r.Message
	expires := time.UnixMilli(*m.Expiration)
	scope := strings.Split(m.Scope, ",")
	switch {
	case m.BrokerID != brokerID:
		return e.refuse(noBroker, "The broker id does not exist.")
	case time.UnixMilli(*m.Timestamp).Sub(c.Now).Abs() > window:
		return e.badTime(c)
	case *m.ChainID != 42161 || m.ChainType != "" && m.ChainType != "EVM":
		return e.refuse(invalid, "the chain is not supported")
	case publicKeyOf(m.OrderlyKey) == nil:
		return e.refuse(invalid, "orderlyKey has the wrong format")
	case !scopes(scope):
		return e.refuse(invalid, "scope is not valid")
	case !expires.After(c.Now) || expires.After(c.Now.Add(maxAge)):
		return e.refuse(invalid, "expiration must be at most 365 days ahead")
	case c.Weather(shortestLife) != "" && expires.Before(c.Now.Add(24*time.Hour)):
		return e.refuse(invalid, "expiration is too soon")
	case len(m.Tag) > tagLength, len(m.Tag) > shortTag && c.Weather(shortTags) != "" && m.SubAccountID != "":
		return e.refuse(invalid, "tag is too long")
	case r.signer() == "" || !strings.EqualFold(r.signer(), r.UserAddress):
		return e.refuse(invalid, "address and signature do not match")
	}
	holder := c.Books.Account(accountID(r.signer(), m.BrokerID))
	if holder == nil {
		return e.refuse(missing, "account does not exist")
	}
	if m.SubAccountID != "" {
		sub := c.Books.Account(m.SubAccountID)
		if sub == nil || sub.Parent != holder {
			return e.refuse(missing, "sub-account does not exist")
		}
		holder = sub
	}
	if c.Books.Key(m.OrderlyKey) != nil || slices.ContainsFunc(e.removed, func(r removed) bool { return r.APIKey == m.OrderlyKey }) {
		if c.Weather(registeredTwice) != "" {
			return e.refuse(invalid, "orderlyKey is not valid")
		}
		return e.refuse(duplicate, "the key exists already")
	}
	if c.Weather(fullAccount) != "" && len(c.Books.KeysOf(holder)) >= fewKeys {
		return e.refuse(invalid, "too many keys")
	}
	c.Books.AddKey(&venue.Key{
		Kind: e.kindOf(holder), APIKey: m.OrderlyKey, Public: publicKeyOf(m.OrderlyKey), Account: holder, Label: m.Tag,
		Permissions: c.Grant(scope, readScope, tradingScope, assetScope), Created: c.Now, Expires: expires,
	})
	return e.ok(c, map[string]any{"id": len(c.Books.Keys), "orderly_key": m.OrderlyKey})
}

// kindOf marks the keys of a main account: they are roots, not minted.
func (e *exchange) kindOf(holder *venue.Account) string {
	if holder.Parent == nil {
		return ownKey
	}
	return ""
}

// scopes reports whether a list holds only scopes, each at most once.
func scopes(list []string) bool {
	for i, scope := range list {
		if scope != readScope && scope != tradingScope && scope != assetScope || slices.Contains(list[:i], scope) {
			return false
		}
	}
	return true
}

// statusOf is the state of a removed key.
func (e *exchange) statusOf(c *venue.Call, r removed) string {
	if c.Documented(r.at) < removing {
		return "REMOVING"
	}
	return "REMOVED"
}

// getKey answers GET /v1/get_orderly_key, which anybody may call.
func (e *exchange) getKey(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("account_id", "orderly_key")
	holder, public := p.Text("account_id"), p.Text("orderly_key")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	k := c.Books.Key(public)
	for _, r := range e.removed {
		if r.APIKey == public && e.statusOf(c, r) == "REMOVING" && c.Weather(unknownKey) == "" {
			k = r.Key
		}
	}
	if k == nil || k.Account.ID != holder || k.Expired(c.Now) || delayed(c, knownLate, k.Created) {
		return e.noSuchKey(c)
	}
	return e.ok(c, map[string]any{
		"orderly_key": k.APIKey, "scope": strings.Join(k.Permissions, ","), "expiration": k.Expires.UnixMilli(), "tag": k.Label,
	})
}

func (e *exchange) describeKey(k *venue.Key, status string) map[string]any {
	restriction := "ALLOW_ALL_IPS"
	if len(k.IPs) > 0 {
		restriction = "ALLOW_RESTRICTION_LIST"
	}
	return map[string]any{
		"orderly_key": k.APIKey, "key_status": status, "ip_restriction_list": append([]string{}, k.IPs...),
		"ip_restriction_status": restriction, "expiration": k.Expires.UnixMilli(), "scope": strings.Join(k.Permissions, ","), "tag": k.Label,
	}
}

// listKeys answers GET /v1/client/key_info. The documentation does not say how
// many rows a page has by default.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	status, page, size := p.Text("key_status"), p.Integer("page", 1), p.Integer("size", 20)
	p.Check("key_status", status == "" || status == "ACTIVE" || status == "REMOVING" || status == "REMOVED")
	p.Check("page", page >= 1)
	p.Check("size", size >= 1 && size <= 999)
	if c.Weather(venue.Refuses) != "" {
		size = 999 // Where there are no pages, all keys are on the one that there is.
	}
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	holder := e.acting(c)
	rows := []map[string]any{}
	for _, k := range c.Listed(holder) {
		if k.Public != nil && !k.Expired(c.Now) {
			rows = append(rows, e.describeKey(k, "ACTIVE"))
		}
	}
	for _, r := range e.removed {
		if r.Account == holder {
			rows = append(rows, e.describeKey(r.Key, e.statusOf(c, r)))
		}
	}
	if status != "" && c.Weather(statusFilter) == "" {
		rows = slices.DeleteFunc(rows, func(row map[string]any) bool { return row["key_status"] != status })
	}
	start := min((page-1)*size, int64(len(rows)))
	return e.ok(c, map[string]any{"rows": rows[start:min(start+size, int64(len(rows)))]})
}

// target finds the key that a request names.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("orderly_key")
	public := p.Text("orderly_key")
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(why)
	}
	k := c.Books.Key(public)
	if k == nil || k.Account != e.acting(c) {
		return nil, e.refuse(missing, "the key does not exist")
	}
	return k, nil
}

// RemoveKey answers POST /v1/client/remove_orderly_key. A key cannot remove
// itself.
func (e *exchange) removeKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, venue.JSONParams(c.Body))
	if refusal != nil {
		return refusal
	}
	if k == c.Key {
		return e.refuse(invalid, "a key must be removed by another one")
	}
	c.RemoveKey(k)
	if c.Books.Key(k.APIKey) == nil {
		e.removed = append(e.removed, removed{k, c.Now})
	}
	return e.ok(c, nil)
}

// restrictKey answers POST /v1/client/set_orderly_key_ip_restriction.
func (e *exchange) restrictKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	if c.Weather(restrictionForm) != "" {
		p = venue.FormParams(c.URL.RawQuery)
	}
	p.Require("ip_restriction_list")
	list := strings.Split(p.Text("ip_restriction_list"), ",")
	p.Check("ip_restriction_list", !slices.ContainsFunc(list, func(entry string) bool {
		first, last, err := rangeOf(entry)
		return err != nil || !first.Is4() || !last.Is4() || last.Compare(first) < 0
	}))
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.IPs = list
	return e.ok(c, map[string]any{"ip_restriction_list": list})
}

// unrestrictKey answers POST /v1/client/reset_orderly_key_ip_restriction.
func (e *exchange) unrestrictKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("reset_mode")
	mode := p.Text("reset_mode")
	p.Check("reset_mode", mode == "ALLOW_ALL_IPS" || mode == "DISALLOW_ALL_IPS")
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	k.IPs = nil
	if mode == "DISALLOW_ALL_IPS" {
		k.IPs = []string{netip.IPv4Unspecified().String()}
	}
	return e.ok(c, map[string]any{"ip_restriction_list": append([]string{}, k.IPs...)})
}
