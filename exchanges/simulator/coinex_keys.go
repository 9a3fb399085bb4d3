package simulator

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

const (
	coinexMaxKeys      = 50
	coinexMaxAddresses = 50
	coinexRemark       = 50 // characters
)

// describeKey shows what all answers about a key have.
func (x *coinex) describeKey(c *call, k *key) map[string]any {
	expires := int64(0)
	if !k.expires.IsZero() {
		expires = k.expires.UnixMilli()
	}
	return map[string]any{
		"api_id": json.Number(k.id), "created_at": k.created.UnixMilli(), "access_id": k.apiKey,
		"ip_whitelist": append([]string{}, k.ips...), "trade_enabled": k.has(coinexTrade), "withdraw_enabled": k.has(coinexWithdraw),
		"is_expired": k.expired(c.now), "expires_at": expires, "remark": k.label,
	}
}

// withSecret shows a key with its secret.
func (x *coinex) withSecret(c *call, k *key) *answer {
	shown := x.describeKey(c, k)
	shown["secret_key"] = k.secret
	return x.ok(c, shown)
}

// coinexSettings are what is asked of a key.
type coinexSettings struct {
	addresses []string
	trades    bool
	remark    string
}

// settings reads what is asked of a key.
func (x *coinex) settings(p *params) coinexSettings {
	s := coinexSettings{trades: p.flag("trade_enabled", false), remark: p.text("remark")}
	given := p.value("ip_whitelist", &s.addresses)
	p.check("ip_whitelist", given && s.addresses != nil && len(s.addresses) <= coinexMaxAddresses)
	p.check("ip_whitelist", !slices.ContainsFunc(s.addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	p.check("remark", len([]rune(s.remark)) <= coinexRemark)
	return s
}

// apply gives a key its settings. One that is bound to no address ends.
func (x *coinex) apply(c *call, k *key, s coinexSettings) {
	permissions := []string{coinexRead}
	if s.trades {
		permissions = append(permissions, coinexTrade)
	}
	k.permissions, k.ips, k.label = c.grant(permissions, coinexTrade, coinexWithdraw), s.addresses, s.remark
	k.expires = time.Time{}
	if len(s.addresses) == 0 {
		k.expires = c.now.Add(coinexUnboundLife)
	}
}

// createKey answers POST /v2/account/subs/api.
func (x *coinex) createKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("sub_user_name", "ip_whitelist", "trade_enabled")
	asked := x.settings(p)
	sub, refusal := x.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case !x.has(sub, coinexAPI):
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	case sub.frozen:
		return x.refuse(c, coinexFrozenAccount, "The sub-account is frozen.")
	case len(c.books.keysOf(sub)) >= coinexMaxKeys:
		return x.refuse(c, coinexKeyCap, "The number of API keys has reached the limit.")
	}
	created := &key{
		id: randomNumber(7), apiKey: x.accessID(), secret: x.secretKey(), account: sub, created: c.now, starts: c.starts(),
	}
	x.apply(c, created, asked)
	return x.withSecret(c, c.books.addKey(created))
}

// editKey answers POST /v2/account/subs/edit-api. Whether what is left out keeps
// its value is not documented, so all has to be there.
func (x *coinex) editKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("sub_user_name", "api_id", "ip_whitelist", "trade_enabled", "remark")
	number, asked := p.integer("api_id", 0), x.settings(p)
	sub, refusal := x.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k, refusal := x.keyOf(c, number, sub)
	if refusal != nil {
		return refusal
	}
	x.apply(c, k, asked)
	return x.ok(c, x.describeKey(c, k))
}

// keyOf finds a key of the main account by its number: of the sub-account, or of
// any if it is nil.
func (x *coinex) keyOf(c *call, number int64, sub *account) (*key, *answer) {
	for _, k := range c.books.keys {
		if k.id == strconv.FormatInt(number, 10) && k.account.parent == c.key.account && (sub == nil || k.account == sub) {
			return k, nil
		}
	}
	return nil, x.refuse(c, coinexNoSuchKey, "The API key does not exist.")
}

// listKeys answers GET /v2/account/subs/api, without secrets.
func (x *coinex) listKeys(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	page, limit := x.window(p)
	sub, refusal := x.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	var rows []map[string]any
	for _, k := range c.books.keysOf(sub) {
		rows = append(rows, x.describeKey(c, k))
	}
	return x.rows(c, rows, page, limit)
}

// showKey answers GET /v2/account/subs/api-detail: with the secret, as it is
// documented.
func (x *coinex) showKey(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("api_id")
	number := p.integer("api_id", 0)
	if why := p.strictComplaint(); why != nil {
		return x.malformed(c, why)
	}
	k, refusal := x.keyOf(c, number, nil)
	if refusal != nil {
		return refusal
	}
	return x.withSecret(c, k)
}

// deleteKey answers POST /v2/account/subs/delete-api. The documentation names the
// key's number alone; some clients send the sub-account too.
func (x *coinex) deleteKey(c *call) *answer {
	p := jsonParams(c.body)
	p.require("api_id")
	number := p.integer("api_id", 0)
	var sub *account
	var refusal *answer
	if p.given("sub_user_name") {
		sub, refusal = x.subAccount(c, p)
	} else if why := p.strictComplaint(); why != nil {
		refusal = x.malformed(c, why)
	}
	if refusal != nil {
		return refusal
	}
	k, refusal := x.keyOf(c, number, sub)
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	return x.ok(c, struct{}{})
}
