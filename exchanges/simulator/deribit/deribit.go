// Package deribit plays the API v2 of Deribit as documented at
// https://docs.deribit.com, over HTTP, with the methods and parameters that it
// takes to mint keys and to try them out. Where the documentation leaves a rule
// open, it does the strictest thing that the documentation allows: the second
// factor of the main user guards sub-accounts too, an exchanged token holds
// only the scope that was asked for, and a token ends with the key that it came
// from.
package deribit

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Deribit, with the state that the books do not hold.
type exchange struct {
	totpSecrets map[string]string // of main accounts with two-factor authentication, by account id

	sessions   []*session
	nonces     map[string]bool      // used in signatures, each with the key's name in front
	challenges map[string]challenge // second factors asked for
	lastSteps  map[string]int64     // time step of the last one-time code, by main account
	orderID    int64                // number of the newest order or transfer
	disabled   map[string]bool      // keys that are switched off, by their client ids
}

// Venue is the simulated Deribit.
func Venue() venue.Listing { return venue.Listing{Name: "deribit", New: newRules} }

func newRules() venue.Rules {
	e := &exchange{totpSecrets: map[string]string{}}
	e.Reset()
	return e
}

func (e *exchange) Reset() {
	e.sessions, e.nonces, e.challenges, e.lastSteps = nil, map[string]bool{}, map[string]challenge{}, map[string]int64{}
	e.disabled = map[string]bool{}
}

// Error codes, from the longer table of https://docs.deribit.com/articles/errors.
const (
	noAuthorization    = 10000
	noOrder            = 10004
	tooManyRequests    = 10028
	badRequest         = 11050
	badCredentials     = 13004
	unauthorized       = 13009
	forbidden          = 13021
	scopeExceeded      = 13403
	badSecondFactor    = 13668
	tooManySubAccounts = 12001
	somethingNew       = 19999 // is not documented
	methodNotFound     = -32601
	invalidParams      = -32602
	parseError         = -32700
)

// errorOf is the status and the text of a code.
func errorOf(code int) (status int, message string) {
	switch code {
	case noAuthorization:
		return http.StatusUnauthorized, "authorization_required"
	case noOrder:
		return http.StatusBadRequest, "order_not_found"
	case tooManyRequests:
		return http.StatusTooManyRequests, "too_many_requests"
	case badCredentials:
		return http.StatusBadRequest, "invalid_credentials"
	case unauthorized:
		return http.StatusUnauthorized, "unauthorized"
	case forbidden:
		return http.StatusForbidden, "forbidden"
	case scopeExceeded:
		return http.StatusForbidden, "scope_exceeded"
	case badSecondFactor:
		return http.StatusBadRequest, "security_key_authorization_error"
	case tooManySubAccounts:
		return http.StatusBadRequest, "too_many_subaccounts"
	case somethingNew:
		return http.StatusBadRequest, "something_new"
	case methodNotFound:
		return http.StatusBadRequest, "Method not found"
	case invalidParams:
		return http.StatusBadRequest, "Invalid params"
	case parseError:
		return http.StatusBadRequest, "Parse error"
	}
	return http.StatusBadRequest, "bad_request"
}

// maxKeys is how many keys an account holds.
const maxKeys = 8

// maxSubAccounts is how many sub-accounts a main account may create.
const maxSubAccounts = 20

// Seed puts each root that lives in a sub-account into one of its own, so that
// all have the same number of free slots.
func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	const all = "account:read_write block_rfq:read_write block_trade:read_write trade:read_write wallet:read_write"
	const mint, read = "account:read_write trade:read_write wallet:read_write", "account:read trade:read wallet:read"
	main := e.addAccount(books, now, nil)
	guarded := e.addAccount(books, now, nil)
	e.totpSecrets[guarded.ID] = venue.RandomText(32, venue.Base32Alphabet)
	landlord := e.addAccount(books, now, nil)
	tenant := func() *venue.Account { return e.addAccount(books, now, landlord) }
	// The documentation does not say whether a list may hold IPv6 addresses.
	loopback := []string{"127.0.0.1"}

	for _, root := range []struct {
		kind, scope string
		in          *venue.Account
		ips         []string
		signer      func() crypto.Signer
	}{
		{venue.MainRoot, all, main, loopback, nil},
		{"second", all, main, loopback, nil},
		{"read_only", read, main, loopback, nil},
		{"no_right", "trade:read", main, loopback, nil},
		{"unbound", mint, main, nil, nil},
		{"ed25519", all, main, loopback, venue.NewEd25519()},
		{"totp", mint, guarded, loopback, nil},
		{"other", all, landlord, loopback, nil},
		{"direct", mint, tenant(), loopback, nil},
		{"direct_read_only", read, tenant(), loopback, nil},
		{"direct_no_right", "trade:read", tenant(), loopback, nil},
		{"direct_unbound", mint, tenant(), nil, nil},
		{"direct_ed25519", mint, tenant(), loopback, venue.NewEd25519()},
	} {
		k := &venue.Key{
			Kind: root.kind, Variant: "main", TOTPSecret: e.totpSecrets[root.in.ID], ID: venue.RandomNumber(7), APIKey: e.clientID(),
			Account: root.in, Label: "root", Permissions: strings.Fields(root.scope), IPs: root.ips, Signer: root.signer, Created: now,
		}
		if root.in.Parent != nil {
			k.Variant = "direct"
		}
		if root.signer == nil {
			k.Secret = e.clientSecret()
		}
		books.AddKey(k)
	}
}

func (e *exchange) clientID() string     { return venue.RandomText(8, venue.Alphanumeric+"-_") }
func (e *exchange) clientSecret() string { return venue.RandomText(43, venue.Alphanumeric+"-_") }

func (e *exchange) addAccount(books *venue.Books, now time.Time, parent *venue.Account) *venue.Account {
	id := venue.RandomNumber(6)
	return books.AddAccount(&venue.Account{ID: id, Name: "desk_" + id, Parent: parent, Created: now})
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return e.addAccount(books, now, master)
}

// path stands in front of each method's name.
const path = "/api/v2/"

func (e *exchange) Routes() []venue.Route {
	// 20 requests a second and 100 at once. A rolling window of 5 seconds never
	// lets in more than that, and sometimes less.
	limits := []venue.Limit{{Quota: 100, Window: 5 * time.Second, Bucket: path}}
	return []venue.Route{
		{Pattern: path + "public/get_time", Operation: exchanges.OpServerTime, Public: true, Handle: e.getTime},
		{Pattern: path + "public/test", Operation: venue.OpOther, Public: true, Handle: e.test},
		{Pattern: path + "public/auth", Operation: venue.OpOther, Public: true, Handle: e.auth},
		{Pattern: path + "public/exchange_token", Operation: venue.OpOther, Public: true, Handle: e.exchangeToken},

		{Pattern: path + "private/get_account_summary", Operation: exchanges.OpInspect, Limits: limits, Permit: e.needs("account:read"), Handle: e.accountSummary},
		{Pattern: path + "private/get_subaccounts", Operation: exchanges.OpSubAccounts, Limits: limits, Permit: e.needs("account:read"), Handle: e.getSubAccounts},
		{Pattern: path + "private/create_subaccount", Operation: venue.OpOther, Limits: limits, Permit: e.needs("account:read_write", mainAccount), Handle: e.createSubAccount},

		{Pattern: path + "private/create_api_key", Operation: exchanges.OpCreateKey, Limits: limits, Permit: e.guarded("account:read_write"), Handle: e.createKey},
		{Pattern: path + "private/edit_api_key", Operation: exchanges.OpEditKey, Limits: limits, Permit: e.guarded("account:read_write"), Handle: e.editKey},
		{Pattern: path + "private/change_api_key_name", Operation: exchanges.OpEditKey, Limits: limits, Permit: e.needs("account:read_write"), Handle: e.renameKey},
		{Pattern: path + "private/list_api_keys", Operation: exchanges.OpListKeys, Limits: limits, Permit: e.guarded("account:read"), Handle: e.listKeys},
		{Pattern: path + "private/remove_api_key", Operation: exchanges.OpDeleteKey, Limits: limits, Permit: e.needs("account:read_write"), Handle: e.deleteKey},

		{Pattern: path + "private/get_positions", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read"), Handle: e.positions},
		{Pattern: path + "private/get_deposits", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("wallet:read"), Handle: e.deposits},
		{Pattern: path + "private/get_account_summaries", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("account:read"), Handle: e.accountSummaries},
		{Pattern: path + "private/buy", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read_write"), Handle: e.place("buy")},
		{Pattern: path + "private/sell", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read_write"), Handle: e.place("sell")},
		{Pattern: path + "private/get_open_orders_by_instrument", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read"), Handle: e.ordersByInstrument},
		{Pattern: path + "private/get_open_orders_by_currency", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read"), Handle: e.ordersByCurrency},
		{Pattern: path + "private/cancel", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("trade:read_write"), Handle: e.cancel},
		{Pattern: path + "private/submit_transfer_between_subaccounts", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("wallet:read_write"), Handle: e.transfer},
		{Pattern: path + "private/withdraw", Operation: exchanges.OpUseKey, Limits: limits, Permit: e.needs("wallet:read_write", mainAccount), Handle: e.withdraw},
	}
}

// read reads a request in either of Deribit's forms: a JSON-RPC message, or a
// query without one.
func (e *exchange) read(c *venue.Call) (*venue.Params, *venue.Answer) {
	var p *venue.Params
	switch c.Method {
	case http.MethodGet:
		p = venue.FormParams(c.URL.RawQuery)
	case http.MethodPost:
		var message struct {
			JSONRPC string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Method  string          `json:"method"`
			Params  json.RawMessage `json:"params"`
		}
		switch {
		case !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") || json.Unmarshal(c.Body, &message) != nil:
			return nil, e.refuse(c, parseError)
		case message.JSONRPC != "2.0" || message.ID == nil:
			return nil, e.refuse(c, badRequest)
		case path+message.Method != c.URL.Path:
			return nil, e.refuse(c, methodNotFound)
		}
		p = venue.JSONParams(message.Params)
	default:
		return nil, e.refuse(c, badRequest)
	}
	// Any call may carry these two.
	p.Text("authorization_data")
	p.Text("challenge")
	return p, nil
}

// with reads a call's parameters with read, refuses any that read does not
// know, and answers with handle.
func (e *exchange) with(c *venue.Call, read func(*venue.Params), handle func() *venue.Answer) *venue.Answer {
	p, refusal := e.read(c)
	if refusal != nil {
		return refusal
	}
	read(p)
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(c, why)
	}
	return handle()
}

func (e *exchange) envelope(c *venue.Call, name string, value any) map[string]any {
	var message struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(c.Body, &message) // a body that is not JSON has no id
	in := c.Now.UnixMicro()
	body := map[string]any{"jsonrpc": "2.0", name: value, "testnet": false, "usIn": in, "usOut": in + 123, "usDiff": 123}
	if message.ID != nil {
		body["id"] = message.ID
	}
	return body
}

func (e *exchange) ok(c *venue.Call, result any) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, e.envelope(c, "result", result))
}

func (e *exchange) refuse(c *venue.Call, code int, data ...string) *venue.Answer {
	status, message := errorOf(code)
	failure := map[string]any{"code": code, "message": message}
	if len(data) > 0 {
		details := map[string]string{}
		for pair := range slices.Chunk(data, 2) {
			details[pair[0]] = pair[1]
		}
		failure["data"] = details
	}
	return venue.JSONAnswer(status, e.envelope(c, "error", failure))
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return e.refuse(c, invalidParams, "param", why.Param, "reason", string(why.Reason))
}

// RateLimited also ends the session, unless a fault only pretends that the
// limit is exceeded.
func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	if c.Fault.Kind != venue.RateLimit {
		e.endSession(e.bearer(c))
	}
	return e.refuse(c, tooManyRequests)
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer { return e.refuse(c, methodNotFound) }

func (e *exchange) getTime(c *venue.Call) *venue.Answer {
	return e.with(c, func(*venue.Params) {}, func() *venue.Answer { return e.ok(c, c.Now.UnixMilli()) })
}

func (e *exchange) test(c *venue.Call) *venue.Answer {
	return e.with(c, func(*venue.Params) {}, func() *venue.Answer { return e.ok(c, map[string]string{"version": "1.2.26"}) })
}

// needs permits a caller that holds all of these elements of a scope.
func (e *exchange) needs(elements ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		for _, element := range elements {
			if !e.holds(c.Key, element) {
				return e.refuse(c, forbidden)
			}
		}
		return nil
	}
}

// mainAccount is what keys of main accounts hold in addition to their scope.
const mainAccount = "mainaccount"

// holds reports whether a key may do what an element stands for. The right to
// write includes the right to read.
func (e *exchange) holds(k *venue.Key, element string) bool {
	if element == mainAccount {
		return k.Account.Parent == nil
	}
	return k.Has(element) || strings.HasSuffix(element, ":read") && k.Has(element+"_write")
}

// user is the main account that an account belongs to.
func (e *exchange) user(a *venue.Account) *venue.Account {
	if a.Parent != nil {
		return a.Parent
	}
	return a
}
