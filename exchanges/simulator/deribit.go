package simulator

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
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

func newDeribit() rules {
	d := &deribit{totpSecrets: map[string]string{}}
	d.reset()
	return d
}

func (d *deribit) reset() {
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

// seed gives every root in a sub-account a sub-account of its own, so that each
// has the same number of free slots.
func (d *deribit) seed(books *books, now time.Time, _ func() crypto.Signer) {
	const all = "account:read_write block_rfq:read_write block_trade:read_write trade:read_write wallet:read_write"
	const mint, read = "account:read_write trade:read_write wallet:read_write", "account:read trade:read wallet:read"
	main := d.addAccount(books, now, nil)
	guarded := d.addAccount(books, now, nil)
	d.totpSecrets[guarded.id] = randomText(32, base32Alphabet)
	landlord := d.addAccount(books, now, nil)
	tenant := func() *account { return d.addAccount(books, now, landlord) }
	// Whether a list may hold IPv6 addresses is not documented.
	loopback := []string{"127.0.0.1"}

	for _, root := range []struct {
		kind, scope string
		in          *account
		ips         []string
		signer      func() crypto.Signer
	}{
		{mainRoot, all, main, loopback, nil},
		{"read_only", read, main, loopback, nil},
		{"no_right", "trade:read", main, loopback, nil},
		{"unbound", mint, main, nil, nil},
		{"ed25519", all, main, loopback, newEd25519()},
		{"totp", mint, guarded, loopback, nil},
		{"direct", mint, tenant(), loopback, nil},
		{"direct_read_only", read, tenant(), loopback, nil},
		{"direct_no_right", "trade:read", tenant(), loopback, nil},
		{"direct_unbound", mint, tenant(), nil, nil},
		{"direct_ed25519", mint, tenant(), loopback, newEd25519()},
	} {
		k := &key{
			kind: root.kind, variant: "main", totpSecret: d.totpSecrets[root.in.id], id: randomNumber(7), apiKey: d.clientID(),
			account: root.in, label: "root", permissions: strings.Fields(root.scope), ips: root.ips, signer: root.signer, created: now,
		}
		if root.in.parent != nil {
			k.variant = "direct"
		}
		if root.signer == nil {
			k.secret = d.clientSecret()
		}
		books.addKey(k)
	}
}

func (d *deribit) clientID() string     { return randomText(8, alphanumeric+"-_") }
func (d *deribit) clientSecret() string { return randomText(43, alphanumeric+"-_") }

func (d *deribit) addAccount(books *books, now time.Time, parent *account) *account {
	id := randomNumber(6)
	return books.addAccount(&account{id: id, name: "desk_" + id, parent: parent, created: now})
}

func (d *deribit) addSubAccount(books *books, now time.Time, master *account) *account {
	return d.addAccount(books, now, master)
}

// deribitPath is in front of each method's name.
const deribitPath = "/api/v2/"

func (d *deribit) routes() []route {
	// 20 requests a second and 100 at once; a rolling window of 5 seconds lets
	// in no more of them, and sometimes less.
	limits := []limit{{quota: 100, window: 5 * time.Second, bucket: deribitPath}}
	return []route{
		{pattern: deribitPath + "public/get_time", operation: exchanges.OpServerTime, public: true, handle: d.getTime},
		{pattern: deribitPath + "public/test", operation: opOther, public: true, handle: d.test},
		{pattern: deribitPath + "public/auth", operation: opOther, public: true, handle: d.auth},
		{pattern: deribitPath + "public/exchange_token", operation: opOther, public: true, handle: d.exchangeToken},

		{pattern: deribitPath + "private/get_account_summary", operation: exchanges.OpInspect, limits: limits, permit: d.needs("account:read"), handle: d.accountSummary},
		{pattern: deribitPath + "private/get_subaccounts", operation: exchanges.OpSubAccounts, limits: limits, permit: d.needs("account:read"), handle: d.getSubAccounts},
		{pattern: deribitPath + "private/create_subaccount", operation: opOther, limits: limits, permit: d.needs("account:read_write", deribitMainAccount), handle: d.createSubAccount},

		{pattern: deribitPath + "private/create_api_key", operation: exchanges.OpCreateKey, limits: limits, permit: d.guarded("account:read_write"), handle: d.createKey},
		{pattern: deribitPath + "private/edit_api_key", operation: exchanges.OpEditKey, limits: limits, permit: d.guarded("account:read_write"), handle: d.editKey},
		{pattern: deribitPath + "private/change_api_key_name", operation: exchanges.OpEditKey, limits: limits, permit: d.needs("account:read_write"), handle: d.renameKey},
		{pattern: deribitPath + "private/list_api_keys", operation: exchanges.OpListKeys, limits: limits, permit: d.guarded("account:read"), handle: d.listKeys},
		{pattern: deribitPath + "private/remove_api_key", operation: exchanges.OpDeleteKey, limits: limits, permit: d.needs("account:read_write"), handle: d.deleteKey},

		{pattern: deribitPath + "private/get_positions", operation: exchanges.OpUseKey, limits: limits, permit: d.needs("trade:read"), handle: d.positions},
		{pattern: deribitPath + "private/get_deposits", operation: exchanges.OpUseKey, limits: limits, permit: d.needs("wallet:read"), handle: d.deposits},
		{pattern: deribitPath + "private/buy", operation: exchanges.OpUseKey, limits: limits, permit: d.needs("trade:read_write"), handle: d.buy},
		{pattern: deribitPath + "private/submit_transfer_between_subaccounts", operation: exchanges.OpUseKey, limits: limits, permit: d.needs("wallet:read_write"), handle: d.transfer},
		{pattern: deribitPath + "private/withdraw", operation: exchanges.OpUseKey, limits: limits, permit: d.needs("wallet:read_write", deribitMainAccount), handle: d.withdraw},
	}
}

// read reads a request in either form that Deribit takes: a JSON-RPC message,
// or a query without one.
func (d *deribit) read(c *call) (*params, *answer) {
	var p *params
	switch c.Method {
	case http.MethodGet:
		p = formParams(c.URL.RawQuery)
	case http.MethodPost:
		var message struct {
			JSONRPC string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Method  string          `json:"method"`
			Params  json.RawMessage `json:"params"`
		}
		switch {
		case !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") || json.Unmarshal(c.body, &message) != nil:
			return nil, d.refuse(c, deribitParseError)
		case message.JSONRPC != "2.0" || message.ID == nil:
			return nil, d.refuse(c, deribitBadRequest)
		case deribitPath+message.Method != c.URL.Path:
			return nil, d.refuse(c, deribitMethodNotFound)
		}
		p = jsonParams(message.Params)
	default:
		return nil, d.refuse(c, deribitBadRequest)
	}
	// These two may come with any call.
	p.text("authorization_data")
	p.text("challenge")
	return p, nil
}

// with reads the parameters of a call by read, all of which must then be known,
// and answers by handle.
func (d *deribit) with(c *call, read func(*params), handle func() *answer) *answer {
	p, refusal := d.read(c)
	if refusal != nil {
		return refusal
	}
	read(p)
	if why := p.strictComplaint(); why != nil {
		return d.badParameter(c, why)
	}
	return handle()
}

func (d *deribit) envelope(c *call, name string, value any) map[string]any {
	var message struct {
		ID json.RawMessage `json:"id"`
	}
	_ = json.Unmarshal(c.body, &message) // what is not JSON has no id
	in := c.now.UnixMicro()
	body := map[string]any{"jsonrpc": "2.0", name: value, "testnet": false, "usIn": in, "usOut": in + 123, "usDiff": 123}
	if message.ID != nil {
		body["id"] = message.ID
	}
	return body
}

func (d *deribit) ok(c *call, result any) *answer {
	return jsonAnswer(http.StatusOK, d.envelope(c, "result", result))
}

func (d *deribit) refuse(c *call, code int, data ...string) *answer {
	status, message := deribitError(code)
	failure := map[string]any{"code": code, "message": message}
	if len(data) > 0 {
		details := map[string]string{}
		for pair := range slices.Chunk(data, 2) {
			details[pair[0]] = pair[1]
		}
		failure["data"] = details
	}
	return jsonAnswer(status, d.envelope(c, "error", failure))
}

func (d *deribit) badParameter(c *call, why *complaint) *answer {
	return d.refuse(c, deribitInvalidParams, "param", why.param, "reason", string(why.reason))
}

// rateLimited also ends the session, unless the limit is a pretended one.
func (d *deribit) rateLimited(c *call, _ quota) *answer {
	if c.fault.Kind != RateLimit {
		d.endSession(d.bearer(c))
	}
	return d.refuse(c, deribitTooManyRequests)
}

func (d *deribit) notFound(c *call) *answer { return d.refuse(c, deribitMethodNotFound) }

func (d *deribit) getTime(c *call) *answer {
	return d.with(c, func(*params) {}, func() *answer { return d.ok(c, c.now.UnixMilli()) })
}

func (d *deribit) test(c *call) *answer {
	return d.with(c, func(*params) {}, func() *answer { return d.ok(c, map[string]string{"version": "1.2.26"}) })
}

// needs permits a caller that holds all of these elements of a scope.
func (d *deribit) needs(elements ...string) func(*call) *answer {
	return func(c *call) *answer {
		for _, element := range elements {
			if !d.holds(c.key, element) {
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
func (d *deribit) holds(k *key, element string) bool {
	if element == deribitMainAccount {
		return k.account.parent == nil
	}
	return k.has(element) || strings.HasSuffix(element, ":read") && k.has(element+"_write")
}

// user is the main account of an account.
func (d *deribit) user(a *account) *account {
	if a.parent != nil {
		return a.parent
	}
	return a
}
