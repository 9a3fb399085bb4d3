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
	maxKeys      = 50
	maxAddresses = 50
	remark       = 50 // characters
)

// describeKey shows what all answers about a key have.
func (e *exchange) describeKey(c *venue.Call, k *venue.Key) map[string]any {
	expires := int64(0)
	if !k.Expires.IsZero() {
		expires = k.Expires.UnixMilli()
	}
	return map[string]any{
		"api_id": json.Number(k.ID), "created_at": k.Created.UnixMilli(), "access_id": k.APIKey,
		"ip_whitelist": append([]string{}, k.IPs...), "trade_enabled": k.Has(trade), "withdraw_enabled": k.Has(withdraw),
		"is_expired": k.Expired(c.Now), "expires_at": expires, "remark": k.Label,
	}
}

// withSecret shows a key with its secret.
func (e *exchange) withSecret(c *venue.Call, k *venue.Key) *venue.Answer {
	shown := e.describeKey(c, k)
	shown["secret_key"] = k.Secret
	return e.ok(c, shown)
}

// settings are what a request asks a key to be like.
type settings struct {
	addresses []string
	trades    bool
	remark    string
}

// settings reads what a request asks a key to be like.
func (e *exchange) settings(p *venue.Params) settings {
	s := settings{trades: p.Flag("trade_enabled", false), remark: p.Text("remark")}
	given := p.Value("ip_whitelist", &s.addresses)
	p.Check("ip_whitelist", given && s.addresses != nil && len(s.addresses) <= maxAddresses)
	p.Check("ip_whitelist", !slices.ContainsFunc(s.addresses, func(entry string) bool {
		address, err := netip.ParseAddr(entry)
		return err != nil || !address.Is4()
	}))
	p.Check("remark", len([]rune(s.remark)) <= remark)
	return s
}

// apply gives a key its settings. A key bound to no address gets an end.
func (e *exchange) apply(c *venue.Call, k *venue.Key, s settings) {
	permissions := []string{read}
	if s.trades {
		permissions = append(permissions, trade)
	}
	k.Permissions, k.IPs, k.Label = c.Grant(permissions, trade, withdraw), s.addresses, s.remark
	k.Expires = time.Time{}
	if len(s.addresses) == 0 {
		k.Expires = c.Now.Add(unboundLife)
	}
}

// createKey answers POST /v2/account/subs/api.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name", "ip_whitelist", "trade_enabled")
	asked := e.settings(p)
	sub, refusal := e.subAccount(c, p)
	switch {
	case refusal != nil:
		return refusal
	case c.Weather(rootRight) == refused, !e.has(sub, api):
		return e.refuse(c, noPermission, "Insufficient sub-account permissions, please check.")
	case sub.Frozen:
		return e.refuse(c, frozenAccount, "The sub-account is frozen.")
	case len(c.Books.KeysOf(sub)) >= maxKeys && c.Weather(fullSubAccount) == parameter:
		return e.malformed(c, &venue.Complaint{Param: "sub_user_name", Reason: venue.BadValue})
	case len(c.Books.KeysOf(sub)) >= maxKeys:
		return e.refuse(c, keyCap, "The number of API keys has reached the limit.")
	}
	created := &venue.Key{
		ID: venue.RandomNumber(7), APIKey: e.accessID(), Secret: e.secretKey(), Account: sub, Created: c.Now, Starts: c.Starts(),
	}
	e.apply(c, created, asked)
	return e.withSecret(c, c.Books.AddKey(created))
}

// editKey answers POST /v2/account/subs/edit-api. The documentation does not
// say whether a field that is left out keeps its value, so every field is
// required.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("sub_user_name", "api_id", "ip_whitelist", "trade_enabled", "remark")
	number, asked := p.Integer("api_id", 0), e.settings(p)
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	k, refusal := e.keyOf(c, number, sub)
	if refusal != nil {
		return refusal
	}
	e.apply(c, k, asked)
	return e.ok(c, e.describeKey(c, k))
}

// keyOf finds a key by its number: a key of the sub-account, or of any
// sub-account of the main account if it is nil.
func (e *exchange) keyOf(c *venue.Call, number int64, sub *venue.Account) (*venue.Key, *venue.Answer) {
	for _, k := range c.Books.Keys {
		if k.ID == strconv.FormatInt(number, 10) && k.Account.Parent == c.Key.Account && (sub == nil || k.Account == sub) {
			return k, nil
		}
	}
	return nil, e.refuse(c, noSuchKey, "The API key does not exist.")
}

// listKeys answers GET /v2/account/subs/api, without secrets.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	page, limit := e.window(p)
	sub, refusal := e.subAccount(c, p)
	if refusal != nil {
		return refusal
	}
	if sub.Frozen && c.Weather(frozenSubAccount) == noList {
		return e.refuse(c, frozenAccount, "The sub-account is frozen.")
	}
	var rows []map[string]any
	for _, k := range c.Listed(sub) {
		rows = append(rows, e.describeKey(c, k))
	}
	return e.rows(c, rows, page, limit)
}

// showKey answers GET /v2/account/subs/api-detail, with the secret, as CoinEx
// documents.
func (e *exchange) showKey(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("api_id")
	number := p.Integer("api_id", 0)
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(c, why)
	}
	k, refusal := e.keyOf(c, number, nil)
	if refusal != nil {
		return refusal
	}
	return e.withSecret(c, k)
}

// deleteKey answers POST /v2/account/subs/delete-api. The documentation asks
// for the key's number only; some clients send the sub-account as well.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	p.Require("api_id")
	number := p.Integer("api_id", 0)
	var sub *venue.Account
	var refusal *venue.Answer
	if p.Given("sub_user_name") {
		sub, refusal = e.subAccount(c, p)
	} else if why := p.StrictComplaint(); why != nil {
		refusal = e.malformed(c, why)
	}
	if refusal != nil {
		return refusal
	}
	k, refusal := e.keyOf(c, number, sub)
	if refusal != nil {
		return refusal
	}
	if k.Account.Frozen && c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, frozenAccount, "The sub-account is frozen.")
	}
	c.RemoveKey(k)
	return e.ok(c, struct{}{})
}
