package coinex

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	coinexMaxKeys      = 50
	coinexMaxAddresses = 50
	coinexRemark       = 50 // characters
)

// describeKey shows what all answers about a key have.
func (x *coinex) describeKey(c *venue.Call, k *venue.Key) map[string]any {
	expires := int64(0)
	if !k.Expires.IsZero() {
		expires = k.Expires.UnixMilli()
	}
	return map[string]any{
		"api_id": json.Number(k.ID), "created_at": k.Created.UnixMilli(), "access_id": k.APIKey,
		"ip_whitelist": append([]string{}, k.IPs...), "trade_enabled": k.Has(coinexTrade), "withdraw_enabled": k.Has(coinexWithdraw),
		"is_expired": k.Expired(c.Now), "expires_at": expires, "remark": k.Label,
	}
}

// withSecret shows a key with its secret.
func (x *coinex) withSecret(c *venue.Call, k *venue.Key) *venue.Answer {
	shown := x.describeKey(c, k)
	shown["secret_key"] = k.Secret
	return x.ok(c, shown)
}

// coinexSettings are what is asked of a key.
type coinexSettings struct {
	addresses []string
	trades    bool
	remark    string
}

// settings reads what is asked of a key.
func (x *coinex) settings(p *venue.Params) coinexSettings {
	s := coinexSettings{trades: p.Flag("trade_enabled", false), remark: p.Text("remark")}
	given := p.Value("ip_whitelist", &s.addresses)
	p.Check("ip_whitelist", given && s.addresses != nil && len(s.addresses) <= coinexMaxAddresses)
	p.Check("ip_whitelist", !slices.ContainsFunc(s.addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	p.Check("remark", len([]rune(s.remark)) <= coinexRemark)
	return s
}

// apply gives a key its settings. One that is bound to no address ends.
func (x *coinex) apply(c *venue.Call, k *venue.Key, s coinexSettings) {
	permissions := []string{coinexRead}
	if s.trades {
		permissions = append(permissions, coinexTrade)
	}
	k.Permissions, k.IPs, k.Label = c.Grant(permissions, coinexTrade, coinexWithdraw), s.addresses, s.remark
	k.Expires = time.Time{}
	if len(s.addresses) == 0 {
		k.Expires = c.Now.Add(coinexUnboundLife)
	}
}

// createKey answers POST /v2/account/subs/api.
func (x *coinex) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name", "ip_whitelist", "trade_enabled")
	asked := x.settings(p)
	sub, refusal := x.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case !x.has(sub, coinexAPI):
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	case sub.Frozen:
		return x.refuse(c, coinexFrozenAccount, "The sub-account is frozen.")
	case len(c.Books.KeysOf(sub)) >= coinexMaxKeys:
		return x.refuse(c, coinexKeyCap, "The number of API keys has reached the limit.")
	}
	created := &venue.Key{
		ID: venue.RandomNumber(7), APIKey: x.accessID(), Secret: x.secretKey(), Account: sub, Created: c.Now, Starts: c.Starts(),
	}
	x.apply(c, created, asked)
	return x.withSecret(c, c.Books.AddKey(created))
}

// editKey answers POST /v2/account/subs/edit-api. Whether what is left out keeps
// its value is not documented, so all has to be there.
func (x *coinex) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name", "api_id", "ip_whitelist", "trade_enabled", "remark")
	number, asked := p.Integer("api_id", 0), x.settings(p)
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
func (x *coinex) keyOf(c *venue.Call, number int64, sub *venue.Account) (*venue.Key, *venue.Answer) {
	for _, k := range c.Books.Keys {
		if k.ID == strconv.FormatInt(number, 10) && k.Account.Parent == c.Key.Account && (sub == nil || k.Account == sub) {
			return k, nil
		}
	}
	return nil, x.refuse(c, coinexNoSuchKey, "The API key does not exist.")
}

// listKeys answers GET /v2/account/subs/api, without secrets.
func (x *coinex) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	page, limit := x.window(p)
	sub, refusal := x.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	var rows []map[string]any
	for _, k := range c.Books.KeysOf(sub) {
		rows = append(rows, x.describeKey(c, k))
	}
	return x.rows(c, rows, page, limit)
}

// showKey answers GET /v2/account/subs/api-detail: with the secret, as it is
// documented.
func (x *coinex) showKey(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("api_id")
	number := p.Integer("api_id", 0)
	if why := p.StrictComplaint(); why != nil {
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
func (x *coinex) deleteKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("api_id")
	number := p.Integer("api_id", 0)
	var sub *venue.Account
	var refusal *venue.Answer
	if p.Given("sub_user_name") {
		sub, refusal = x.subAccount(c, p)
	} else if why := p.StrictComplaint(); why != nil {
		refusal = x.malformed(c, why)
	}
	if refusal != nil {
		return refusal
	}
	k, refusal := x.keyOf(c, number, sub)
	if refusal != nil {
		return refusal
	}
	c.RemoveKey(k)
	return x.ok(c, struct{}{})
}
