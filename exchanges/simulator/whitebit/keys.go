package whitebit

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	maxKeys      = 50
	maxAddresses = 50
	maxTitle     = 30
)

// allEndpoints are what a new key of type 1 may use: some that only read,
// orders, and some that one would not expect.
func allEndpoints() []string {
	return []string{
		"/api/v4/main-account/balance", "/api/v4/trade-account/balance", "/api/v4/trade-account/order/history", "/api/v4/orders",
		"/api/v4/collateral-account/balance", "/api/v4/main-account/transfer", "/api/v4/main-account/codes",
		"/api/v4/convert/confirm", "/api/v4/profile/websocket_token", "/api/v4/order/cancel",
		"/api/v4/order/collateral/limit", "/api/v4/collateral-account/leverage", "/api/v4/order/new", "/api/v4/order/market",
	}
}

// undocumented is an endpoint that a key may use and no documentation names.
const undocumented = "/api/v4/something/new"

// describeKey shows what all answers about a key have in common. The type is a
// number in the answer to a creation and a text in the list. A key that may use
// everything lists no endpoints, which the documentation leaves open.
func (e *exchange) describeKey(c *venue.Call, k *venue.Key, secret string, kind any) map[string]any {
	restricted := slices.ContainsFunc(allEndpoints(), func(path string) bool { return !k.Has(path) })
	endpoints := []any{}
	if restricted || c.Weather(endpointsListed) != "" {
		for _, path := range k.Permissions {
			endpoints = append(endpoints, map[string]string{"name": path, "title": "Use " + path})
		}
	}
	return map[string]any{
		"subAccountId": k.Account.ID, "id": k.ID, "title": k.Label, "isEnabled": true, "apiKey": k.APIKey, "apiSecret": secret,
		"type": kind, "lastActivity": nil, "restrictAccess": restricted && c.Weather(switching) != unshown, "accessEndpoints": endpoints,
	}
}

// createKey answers /sub-account/api-key/create. Only this answer shows the
// secret.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("type", "subAccountId", "title")
	kind, title := p.Integer("type", 0), p.Text("title")
	p.Check("type", kind == 1 || kind == 2)
	p.Check("title", title != "" && len(title) <= maxTitle)
	sub := e.subAccount(c, p, "subAccountId")
	switch why := p.StrictComplaint(); {
	case why != nil:
		return e.badParameter(why)
	case kind == 2:
		// Sub-accounts can withdraw only if WhiteBIT has enabled it for the
		// account.
		return e.refuse(http.StatusBadRequest, 5, "Type isn't allowed")
	case sub.Frozen:
		return e.forbidden()
	case len(c.Books.KeysOf(sub)) >= maxKeys:
		return e.refuse(http.StatusBadRequest, 5, fmt.Sprintf("Limit of API keys is reached. Maximum allowed: %d", maxKeys))
	}
	created := c.Books.AddKey(&venue.Key{
		ID: venue.RandomUUID(), APIKey: venue.RandomText(32, venue.LowerHex), Secret: venue.RandomText(32, venue.LowerHex), Account: sub, Label: title,
		Permissions: c.Grant(allEndpoints()), Created: c.Now,
	})
	return e.ok(http.StatusCreated, e.describeKey(c, created, created.Secret, kind))
}

// editKey answers /sub-account/api-key/edit. Paths that the request leaves out
// keep their state. Those that keys of sub-accounts cannot use are refused even to
// be switched off, which the documentation leaves open.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("title", "urls")
	title := p.Text("title")
	var switches []struct {
		URL    string `json:"url"`
		Enable *bool  `json:"enable"`
	}
	p.Value("urls", &switches)
	p.Check("title", title != "" && len(title) <= maxTitle)
	for _, s := range switches {
		p.Check("urls", s.Enable != nil)
	}
	k, refusal := e.target(c, p)
	if refusal != nil {
		return refusal
	}
	var barred []string
	for _, s := range switches {
		if c.Weather(barredEndpoints) != none && !slices.Contains(allEndpoints(), s.URL) {
			barred = append(barred, s.URL)
		}
	}
	if len(barred) > 0 && c.Weather(switching) != passedOver {
		return e.refuse(http.StatusBadRequest, 5, "The following URLs are restricted for sub-account API keys: "+strings.Join(barred, ", "))
	}
	on := slices.Clone(k.Permissions)
	for _, s := range switches {
		on = slices.DeleteFunc(on, func(path string) bool { return path == s.URL })
		if *s.Enable && !slices.Contains(barred, s.URL) {
			on = append(on, s.URL)
		}
	}
	switch c.Weather(switching) {
	case ineffective:
		on = k.Permissions
	case incomplete:
		on = append(on, undocumented)
	}
	k.Label, k.Permissions = title, c.Grant(on, "/api/v4/order/new", "/api/v4/main-account/withdraw")
	return e.ok(http.StatusOK, map[string]any{})
}

// target finds the key that a call is about. Read every other parameter first:
// it refuses those that nobody has read.
func (e *exchange) target(c *venue.Call, p *venue.Params) (*venue.Key, *venue.Answer) {
	p.Require("apiKeyId")
	id := p.Text("apiKeyId")
	if why := p.StrictComplaint(); why != nil {
		return nil, e.badParameter(why)
	}
	i := slices.IndexFunc(c.Books.Keys, func(k *venue.Key) bool { return k.ID == id && k.Account.Parent == c.Key.Account })
	if i < 0 {
		return nil, e.refuse(http.StatusNotFound, 0, "API key not found")
	}
	return c.Books.Keys[i], nil
}

// listKeys answers /sub-account/api-key/list, the newest first.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	limit, offset := e.window(p, 100)
	var only *venue.Account
	if p.Given("subAccountId") {
		only = e.subAccount(c, p, "subAccountId")
	}
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	if only != nil && only.Frozen && c.Weather(blockedSubAccount) == noList {
		return e.forbidden()
	}
	var keys []*venue.Key
	for _, sub := range c.Books.SubAccounts(c.Key.Account) {
		if only == nil || sub == only {
			keys = append(keys, c.Listed(sub)...)
		}
	}
	slices.SortStableFunc(keys, func(a, b *venue.Key) int { return a.Created.Compare(b.Created) })
	var rows []any
	for _, k := range slices.Backward(keys) {
		rows = append(rows, e.describeKey(c, k, "", "1"))
	}
	return e.part(rows, limit, offset)
}

// deleteKey answers /sub-account/api-key/delete.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, e.parameters(c))
	if refusal != nil {
		return refusal
	}
	if k.Account.Frozen && c.Weather(blockedSubAccount) != "" {
		return e.forbidden()
	}
	c.RemoveKey(k)
	return e.ok(http.StatusOK, map[string]any{})
}

func (e *exchange) addresses(status int, k *venue.Key) *venue.Answer {
	return e.ok(status, map[string]any{"data": append([]string{}, k.IPs...)})
}

// listAddresses answers /sub-account/api-key/ip-address/list.
func (e *exchange) listAddresses(c *venue.Call) *venue.Answer {
	k, refusal := e.target(c, e.parameters(c))
	if refusal != nil {
		return refusal
	}
	return e.addresses(http.StatusOK, k)
}

// addAddress answers /sub-account/api-key/ip-address/create. The documentation
// does not say whether it takes IPv6 or blocks.
func (e *exchange) addAddress(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("ip")
	text := p.Text("ip")
	k, refusal := e.target(c, p)
	address, err := netip.ParseAddr(text)
	switch {
	case refusal != nil:
		return refusal
	case err != nil || !address.Is4():
		return e.refuse(http.StatusBadRequest, 0, "Invalid IP address.")
	case slices.Contains(k.IPs, text):
		return e.refuse(http.StatusBadRequest, 5, "IP address is already in allowlist")
	case len(k.IPs) >= maxAddresses:
		return e.refuse(http.StatusBadRequest, 5, fmt.Sprintf("Reached maximum number of allowed IPs: %d", maxAddresses))
	}
	k.IPs = append(k.IPs, text)
	return e.addresses(http.StatusCreated, k)
}

// removeAddress answers /sub-account/api-key/ip-address/delete.
func (e *exchange) removeAddress(c *venue.Call) *venue.Answer {
	p := e.parameters(c)
	p.Require("ip")
	text := p.Text("ip")
	k, refusal := e.target(c, p)
	switch {
	case refusal != nil:
		return refusal
	case !slices.Contains(k.IPs, text):
		return e.refuse(http.StatusBadRequest, 5, "IP address is not in the allowlist")
	}
	k.IPs = slices.DeleteFunc(k.IPs, func(entry string) bool { return entry == text })
	return e.addresses(http.StatusOK, k)
}
