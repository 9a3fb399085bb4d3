// Package deribit is the simulated Deribit.
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

// deribit plays the API v2 of Deribit as documented at https://docs.deribit.com,
// over HTTP, with the methods and parameters that minting keys and trying them
// out needs. Where the documentation leaves a rule open, it does the strictest
// thing that the documentation allows: the second factor of the main user guards
// sub-accounts too, an exchanged token holds only the scope that was asked for,
// and a token ends with the key that it came from.
type deribit struct {
	totpSecrets map[string]string // of main accounts with two-factor authentication, by their ids

	sessions   []*deribitSession
	nonces     map[string]bool             // used in signatures, with the key's name in front
	challenges map[string]deribitChallenge // second factors asked for
	lastSteps  map[string]int64            // time step of the last one-time code, by main account
	orderID    int64                       // number of the newest order or transfer
}

// Venue is the simulated Deribit.
func Venue() venue.Listing { return venue.Listing{Name: "deribit", New: newDeribit} }

func newDeribit() venue.Rules {
	d := &deribit{totpSecrets: map[string]string{}}
	d.Reset()
	return d
}

func (d *deribit) Reset() {
	d.sessions, d.nonces, d.challenges, d.lastSteps = nil, map[string]bool{}, map[string]deribitChallenge{}, map[string]int64{}
}

// Error codes, from the longer table of https://docs.deribit.com/articles/errors.
const (
	deribitNoAuthorization    = 10000
	deribitTooManyRequests    = 10028
	deribitBadRequest         = 11050
	deribitBadCredentials     = 13004
	deribitUnauthorized       = 13009
	deribitForbidden          = 13021
	deribitScopeExceeded      = 13403
	deribitBadSecondFactor    = 13668
	deribitTooManySubAccounts = 12001
	deribitMethodNotFound     = -32601
	deribitInvalidParams      = -32602
	deribitParseError         = -32700
)

// deribitError is the status and the text of a code.
func deribitError(code int) (status int, message string) {
	switch code {
	case deribitNoAuthorization:
		return http.StatusUnauthorized, "authorization_required"
	case deribitTooManyRequests:
		return http.StatusTooManyRequests, "too_many_requests"
	case deribitBadCredentials:
		return http.StatusBadRequest, "invalid_credentials"
	case deribitUnauthorized:
		return http.StatusUnauthorized, "unauthorized"
	case deribitForbidden:
		return http.StatusForbidden, "forbidden"
	case deribitScopeExceeded:
		return http.StatusForbidden, "scope_exceeded"
	case deribitBadSecondFactor:
		return http.StatusBadRequest, "security_key_authorization_error"
	case deribitTooManySubAccounts:
		return http.StatusBadRequest, "too_many_subaccounts"
	case deribitMethodNotFound:
		return http.StatusBadRequest, "Method not found"
	case deribitInvalidParams:
		return http.StatusBadRequest, "Invalid params"
	case deribitParseError:
		return http.StatusBadRequest, "Parse error"
	}
	return http.StatusBadRequest, "bad_request"
}

// deribitMaxKeys is how many keys an account holds.
const deribitMaxKeys = 8

// deribitMaxSubAccounts is how many sub-accounts a main account may make.
const deribitMaxSubAccounts = 20

// Seed gives every root in a sub-account a sub-account of its own, so that each
// has the same number of free slots.
func (d *deribit) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	const all = "account:read_write block_rfq:read_write block_trade:read_write trade:read_write wallet:read_write"
	const mint, read = "account:read_write trade:read_write wallet:read_write", "account:read trade:read wallet:read"
	main := d.addAccount(books, now, nil)
	guarded := d.addAccount(books, now, nil)
	d.totpSecrets[guarded.ID] = venue.RandomText(32, venue.Base32Alphabet)
	landlord := d.addAccount(books, now, nil)
	tenant := func() *venue.Account { return d.addAccount(books, now, landlord) }
	// Whether a list may hold IPv6 addresses is not documented.
	loopback := []string{"127.0.0.1"}

	for _, root := range []struct {
		kind, scope string
		in          *venue.Account
		ips         []string
		signer      func() crypto.Signer
	}{
		{venue.MainRoot, all, main, loopback, nil},
		{"read_only", read, main, loopback, nil},
		{"no_right", "trade:read", main, loopback, nil},
		{"unbound", mint, main, nil, nil},
		{"ed25519", all, main, loopback, venue.NewEd25519()},
		{"totp", mint, guarded, loopback, nil},
		{"direct", mint, tenant(), loopback, nil},
		{"direct_read_only", read, tenant(), loopback, nil},
		{"direct_no_right", "trade:read", tenant(), loopback, nil},
		{"direct_unbound", mint, tenant(), nil, nil},
		{"direct_ed25519", mint, tenant(), loopback, venue.NewEd25519()},
	} {
		k := &venue.Key{
			Kind: root.kind, Variant: "main", TOTPSecret: d.totpSecrets[root.in.ID], ID: venue.RandomNumber(7), APIKey: d.clientID(),
			Account: root.in, Label: "root", Permissions: strings.Fields(root.scope), IPs: root.ips, Signer: root.signer, Created: now,
		}
		if root.in.Parent != nil {
			k.Variant = "direct"
		}
		if root.signer == nil {
			k.Secret = d.clientSecret()
		}
		books.AddKey(k)
	}
}

func (d *deribit) clientID() string     { return venue.RandomText(8, venue.Alphanumeric+"-_") }
func (d *deribit) clientSecret() string { return venue.RandomText(43, venue.Alphanumeric+"-_") }

func (d *deribit) addAccount(books *venue.Books, now time.Time, parent *venue.Account) *venue.Account {
	id := venue.RandomNumber(6)
	return books.AddAccount(&venue.Account{ID: id, Name: "desk_" + id, Parent: parent, Created: now})
}

func (d *deribit) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return d.addAccount(books, now, master)
}

// deribitPath is in front of each method's name.
const deribitPath = "/api/v2/"

func (d *deribit) Routes() []venue.Route {
	// 20 requests a second and 100 at once; a rolling window of 5 seconds lets
	// in no more of them, and sometimes less.
	limits := []venue.Limit{{Quota: 100, Window: 5 * time.Second, Bucket: deribitPath}}
	return []venue.Route{
		{Pattern: deribitPath + "public/get_time", Operation: exchanges.OpServerTime, Public: true, Handle: d.getTime},
		{Pattern: deribitPath + "public/test", Operation: venue.OpOther, Public: true, Handle: d.test},
		{Pattern: deribitPath + "public/auth", Operation: venue.OpOther, Public: true, Handle: d.auth},
		{Pattern: deribitPath + "public/exchange_token", Operation: venue.OpOther, Public: true, Handle: d.exchangeToken},

		{Pattern: deribitPath + "private/get_account_summary", Operation: exchanges.OpInspect, Limits: limits, Permit: d.needs("account:read"), Handle: d.accountSummary},
		{Pattern: deribitPath + "private/get_subaccounts", Operation: exchanges.OpSubAccounts, Limits: limits, Permit: d.needs("account:read"), Handle: d.getSubAccounts},
		{Pattern: deribitPath + "private/create_subaccount", Operation: venue.OpOther, Limits: limits, Permit: d.needs("account:read_write", deribitMainAccount), Handle: d.createSubAccount},

		{Pattern: deribitPath + "private/create_api_key", Operation: exchanges.OpCreateKey, Limits: limits, Permit: d.guarded("account:read_write"), Handle: d.createKey},
		{Pattern: deribitPath + "private/edit_api_key", Operation: exchanges.OpEditKey, Limits: limits, Permit: d.guarded("account:read_write"), Handle: d.editKey},
		{Pattern: deribitPath + "private/change_api_key_name", Operation: exchanges.OpEditKey, Limits: limits, Permit: d.needs("account:read_write"), Handle: d.renameKey},
		{Pattern: deribitPath + "private/list_api_keys", Operation: exchanges.OpListKeys, Limits: limits, Permit: d.guarded("account:read"), Handle: d.listKeys},
		{Pattern: deribitPath + "private/remove_api_key", Operation: exchanges.OpDeleteKey, Limits: limits, Permit: d.needs("account:read_write"), Handle: d.deleteKey},

		{Pattern: deribitPath + "private/get_positions", Operation: exchanges.OpUseKey, Limits: limits, Permit: d.needs("trade:read"), Handle: d.positions},
		{Pattern: deribitPath + "private/get_deposits", Operation: exchanges.OpUseKey, Limits: limits, Permit: d.needs("wallet:read"), Handle: d.deposits},
		{Pattern: deribitPath + "private/buy", Operation: exchanges.OpUseKey, Limits: limits, Permit: d.needs("trade:read_write"), Handle: d.buy},
		{Pattern: deribitPath + "private/submit_transfer_between_subaccounts", Operation: exchanges.OpUseKey, Limits: limits, Permit: d.needs("wallet:read_write"), Handle: d.transfer},
		{Pattern: deribitPath + "private/withdraw", Operation: exchanges.OpUseKey, Limits: limits, Permit: d.needs("wallet:read_write", deribitMainAccount), Handle: d.withdraw},
	}
}

// read reads a request in either form that Deribit takes: a JSON-RPC message,
// or a query without one.
func (d *deribit) read(c *venue.Call) (*venue.Params, *venue.Answer) {
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
			return nil, d.refuse(c, deribitParseError)
		case message.JSONRPC != "2.0" || message.ID == nil:
			return nil, d.refuse(c, deribitBadRequest)
		case deribitPath+message.Method != c.URL.Path:
			return nil, d.refuse(c, deribitMethodNotFound)
		}
		p = venue.JSONParams(message.Params)
	default:
		return nil, d.refuse(c, deribitBadRequest)
	}
	// These two may come with any call.
	p.Text("authorization_data")
	p.Text("challenge")
	return p, nil
}

// with reads the parameters of a call by read, all of which must then be known,
// and answers by handle.
func (d *deribit) with(c *venue.Call, read func(*venue.Params), handle func() *venue.Answer) *venue.Answer {
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	read(p)
	if why := p.StrictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	return handle()
}

func (d *deribit) envelope(c *venue.Call, name string, value any) map[string]any {
	var message struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(c.Body, &message) // what is not JSON has no id
	in := c.Now.UnixMicro()
	body := map[string]any{"jsonrpc": "2.0", name: value, "testnet": false, "usIn": in, "usOut": in + 123, "usDiff": 123}
	if message.ID != nil {
		body["id"] = message.ID
	}
	return body
}

func (d *deribit) ok(c *venue.Call, result any) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, d.envelope(c, "result", result))
}

func (d *deribit) refuse(c *venue.Call, code int, data ...string) *venue.Answer {
	status, message := deribitError(code)
	failure := map[string]any{"code": code, "message": message}
	if len(data) > 0 {
		details := map[string]string{}
		for pair := range slices.Chunk(data, 2) {
			details[pair[0]] = pair[1]
		}
		failure["data"] = details
	}
	return venue.JSONAnswer(status, d.envelope(c, "error", failure))
}

func (d *deribit) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return d.refuse(c, deribitInvalidParams, "param", why.Param, "reason", string(why.Reason))
}

// RateLimited also ends the session, unless the limit is a pretended one.
func (d *deribit) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	if c.Fault.Kind != venue.RateLimit {
		d.endSession(d.bearer(c))
	}
	return d.refuse(c, deribitTooManyRequests)
}

func (d *deribit) NotFound(c *venue.Call) *venue.Answer { return d.refuse(c, deribitMethodNotFound) }

func (d *deribit) getTime(c *venue.Call) *venue.Answer {
	return d.with(c, func(*venue.Params) {}, func() *venue.Answer { return d.ok(c, c.Now.UnixMilli()) })
}

func (d *deribit) test(c *venue.Call) *venue.Answer {
	return d.with(c, func(*venue.Params) {}, func() *venue.Answer { return d.ok(c, map[string]string{"version": "1.2.26"}) })
}

// needs permits a caller that holds all of these elements of a scope.
func (d *deribit) needs(elements ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		for _, element := range elements {
			if !d.holds(c.Key, element) {
				return d.refuse(c, deribitForbidden)
			}
		}
		return nil
	}
}

// deribitMainAccount is what keys of main accounts hold besides their scope.
const deribitMainAccount = "mainaccount"

// holds tells whether a key may do what an element stands for: what may write
// may also read.
func (d *deribit) holds(k *venue.Key, element string) bool {
	if element == deribitMainAccount {
		return k.Account.Parent == nil
	}
	return k.Has(element) || strings.HasSuffix(element, ":read") && k.Has(element+"_write")
}

// user is the main account of an account.
func (d *deribit) user(a *venue.Account) *venue.Account {
	if a.Parent != nil {
		return a.Parent
	}
	return a
}
