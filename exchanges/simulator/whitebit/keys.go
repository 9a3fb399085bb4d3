package whitebit

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	whitebitMaxKeys      = 50
	whitebitMaxAddresses = 50
	whitebitMaxTitle     = 30
)

// whitebitEndpoints are what a new key of type 1 may use: some that only read,
// orders, and what one would not look for there.
func whitebitEndpoints() []string {
	return []string{
		"/api/v4/main-account/balance", "/api/v4/trade-account/balance", "/api/v4/trade-account/order/history", "/api/v4/orders",
		"/api/v4/collateral-account/balance", "/api/v4/main-account/transfer", "/api/v4/main-account/codes",
		"/api/v4/convert/confirm", "/api/v4/profile/websocket_token", "/api/v4/order/cancel",
		"/api/v4/order/collateral/limit", "/api/v4/collateral-account/leverage", "/api/v4/order/new", "/api/v4/order/market",
	}
}

// describeKey shows what all answers about a key have. The type is a number in
// the answer to a creation and a text in the list.
func (w *whitebit) describeKey(k *venue.Key, secret string, kind any) map[string]any {
	endpoints := []any{}
	for _, path := range k.Permissions {
		endpoints = append(endpoints, map[string]string{"name": path, "title": "Use " + path})
	}
	return map[string]any{
		"subAccountId": k.Account.ID, "id": k.ID, "title": k.Label, "isEnabled": true, "apiKey": k.APIKey, "apiSecret": secret,
		"type": kind, "lastActivity": nil, "restrictAccess": len(k.Permissions) < len(whitebitEndpoints()), "accessEndpoints": endpoints,
	}
}

// createKey answers /sub-account/api-key/create. The secret is in this answer
// alone.
func (w *whitebit) createKey(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Require("type", "subAccountId", "title")
	kind, title := p.Integer("type", 0), p.Text("title")
	p.Check("type", kind == 1 || kind == 2)
	p.Check("title", title != "" && len(title) <= whitebitMaxTitle)
	sub := w.subAccount(c, p, "subAccountId")
	switch why := p.StrictComplaint(); {
	case why != nil:
		return w.badParameter(why)
	case kind == 2:
		// Sub-accounts withdraw only if WhiteBIT has enabled it for the account.
		return w.refuse(http.StatusBadRequest, 5, "Type isn't allowed")
	case sub.Frozen:
		return w.forbidden()
	case len(c.Books.KeysOf(sub)) >= whitebitMaxKeys:
		return w.refuse(http.StatusBadRequest, 5, fmt.Sprintf("Limit of API keys is reached. Maximum allowed: %d", whitebitMaxKeys))
	}
	created := c.Books.AddKey(&venue.Key{
		ID: venue.RandomUUID(), APIKey: venue.RandomText(32, venue.LowerHex), Secret: venue.RandomText(32, venue.LowerHex), Account: sub, Label: title,
		Permissions: c.Grant(whitebitEndpoints()), Created: c.Now,
	})
	return w.ok(http.StatusCreated, w.describeKey(created, created.Secret, kind))
}

// editKey answers /sub-account/api-key/edit. Paths that are left out keep their
// state.
func (w *whitebit) editKey(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Require("title", "urls")
	title := p.Text("title")
	var switches []struct {
		URL    string `json:"url"`
		Enable *bool  `json:"enable"`
	}
	p.Value("urls", &switches)
	p.Check("title", title != "" && len(title) <= whitebitMaxTitle)
	for _, s := range switches {
		p.Check("urls", s.Enable != nil)
	}
	k, refusal := w.target(c, p)
	if refusal != nil {
		return refusal
	}
	on := slices.Clone(k.Permissions)
	for _, s := range switches {
		on = slices.DeleteFunc(on, func(path string) bool { return path == s.URL })
		if !*s.Enable {
			continue
		}
		if !slices.Contains(whitebitEndpoints(), s.URL) {
			return w.refuse(http.StatusBadRequest, 5, "Endpoint "+s.URL+" isn't allowed")
		}
		on = append(on, s.URL)
	}
	k.Label, k.Permissions = title, c.Grant(on, "/api/v4/order/new", "/api/v4/main-account/withdraw")
	return w.ok(http.StatusOK, map[string]any{})
}

// target finds the key that a call is about, once its other parameters have
// been read.
func (w *whitebit) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("apiKeyId")
	id := p.Text("apiKeyId")
	if why := p.StrictComplaint(); why != nil {
		return nil, w.badParameter(why)
	}
	i := slices.IndexFunc(c.Books.Keys, func(k *venue.Key) bool { return k.ID == id && k.Account.Parent == c.Key.Account })
	if i < 0 {
		return nil, w.refuse(http.StatusNotFound, 0, "API key not found")
	}
	return c.Books.Keys[i], nil
}

// listKeys answers /sub-account/api-key/list, the newest first.
func (w *whitebit) listKeys(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	limit, offset := w.window(p, 100)
	var only *venue.Account
	if p.Given("subAccountId") {
		only = w.subAccount(c, p, "subAccountId")
	}
	if why := p.StrictComplaint(); why != nil {
		return w.badParameter(why)
	}
	var rows []any
	for _, k := range slices.Backward(c.Books.Keys) {
		if k.Account.Parent == c.Key.Account && (only == nil || k.Account == only) {
			rows = append(rows, w.describeKey(k, "", "1"))
		}
	}
	return w.part(rows, limit, offset)
}

// deleteKey answers /sub-account/api-key/delete.
func (w *whitebit) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := w.target(c, w.parameters(c))
	if refusal != nil {
		return refusal
	}
	c.RemoveKey(k)
	return w.ok(http.StatusOK, map[string]any{})
}

func (w *whitebit) addresses(status int, k *venue.Key) *venue.Answer {
	return w.ok(status, map[string]any{"data": append([]string{}, k.IPs...)})
}

// listAddresses answers /sub-account/api-key/ip-address/list.
func (w *whitebit) listAddresses(c *venue.Call) *venue.Answer {
	k, refusal := w.target(c, w.parameters(c))
	if refusal != nil {
		return refusal
	}
	return w.addresses(http.StatusOK, k)
}

// addAddress answers /sub-account/api-key/ip-address/create. Whether it takes
// IPv6 or blocks is not documented.
func (w *whitebit) addAddress(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Require("ip")
	text := p.Text("ip")
	k, refusal := w.target(c, p)
	address, err := netip.ParseAddr(text)
	switch {
	case refusal != nil:
		return refusal
	case err != nil || !address.Is4():
		return w.refuse(http.StatusBadRequest, 0, "Invalid IP address.")
	case slices.Contains(k.IPs, text):
		return w.refuse(http.StatusBadRequest, 5, "IP address is already in allowlist")
	case len(k.IPs) >= whitebitMaxAddresses:
		return w.refuse(http.StatusBadRequest, 5, fmt.Sprintf("Reached maximum number of allowed IPs: %d", whitebitMaxAddresses))
	}
	k.IPs = append(k.IPs, text)
	return w.addresses(http.StatusCreated, k)
}

// removeAddress answers /sub-account/api-key/ip-address/delete.
func (w *whitebit) removeAddress(c *venue.Call) *venue.Answer {
	p := w.parameters(c)
	p.Require("ip")
	text := p.Text("ip")
	k, refusal := w.target(c, p)
	switch {
	case refusal != nil:
		return refusal
	case !slices.Contains(k.IPs, text):
		return w.refuse(http.StatusBadRequest, 5, "IP address is not in the allowlist")
	}
	k.IPs = slices.DeleteFunc(k.IPs, func(entry string) bool { return entry == text })
	return w.addresses(http.StatusOK, k)
}
