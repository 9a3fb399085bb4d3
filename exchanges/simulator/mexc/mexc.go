// Package mexc is the simulated MEXC.
package mexc

import (
	"crypto"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// mexc plays the spot v3 API of MEXC for master accounts as documented at
// https://www.mexc.com/api-docs/spot-v3/introduction. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation allows.
// Futures trading, which MEXC serves on a host of its own and with another
// signature, is served here as well, with this one.
type mexc struct{}

// Venue is the simulated MEXC.
func Venue() venue.Listing { return venue.Listing{Name: "mexc", New: newMEXC} }

func newMEXC() venue.Rules { return &mexc{} }

// Error codes, from https://www.mexc.com/api-docs/spot-v3/error-code.
const (
	mexcNoKey             = 400
	mexcTooManyRequests   = 429
	mexcUnknownKey        = 10072
	mexcNoSubAccount      = 140001
	mexcFrozen            = 140002
	mexcBadSignature      = 700002
	mexcBadTimestamp      = 700003
	mexcBadWindow         = 700005
	mexcBadAddress        = 700006
	mexcNoPermission      = 700007
	mexcIllegalCharacters = 700008
	mexcBadContentType    = 700013
	mexcSubNameExists     = 730101
	mexcNoSubName         = 730600
	mexcBadSubName        = 730601
	mexcNoSubNote         = 730602
	mexcNoNote            = 730700
	mexcNoPermissions     = 730701
	mexcUnknownPermission = 730702
	mexcTooManyAddresses  = 730703
	mexcBadAddressList    = 730704
	mexcKeyCap            = 730705
	mexcNoSuchKey         = 730706
	mexcNoKeyParameter    = 730707
)

// The permissions of keys that rules ask for. None includes another.
const (
	mexcAccountRead   = "SPOT_ACCOUNT_READ"
	mexcAccountWrite  = "SPOT_ACCOUNT_WRITE"
	mexcDealRead      = "SPOT_DEAL_READ"
	mexcDealWrite     = "SPOT_DEAL_WRITE"
	mexcFuturesWrite  = "CONTRACT_DEAL_WRITE"
	mexcTransferWrite = "SPOT_TRANSFER_WRITE"
)

// mexcUnboundLife is how long a key without addresses lasts.
const mexcUnboundLife = 90 * 24 * time.Hour

func (m *mexc) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{mexcAccountRead, mexcAccountWrite}, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{mexcDealRead}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: []string{mexcAccountRead, mexcAccountWrite}, Expires: now.Add(mexcUnboundLife)},
		// MEXC's pages disagree on whether this is enough to make keys.
		{Kind: "reader", Permissions: []string{mexcAccountRead}, IPs: venue.Loopback()},
	} {
		root.APIKey, root.Secret = mexcKeyText(), venue.RandomText(32, venue.LowerHex)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

// mexcKeyText draws an API key.
func mexcKeyText() string { return "mx0" + venue.RandomText(19, venue.Alphanumeric) }

// AddSubAccount names a sub-account by its name; the number is its second name.
func (m *mexc) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: "desk" + venue.RandomText(8, venue.Digits), Name: venue.RandomNumber(8), Parent: master, Created: now,
	})
}

// mexcLimit is the limit of one endpoint, by address and by account.
func mexcLimit(weight int) []venue.Limit {
	return []venue.Limit{
		{Quota: 300, Window: 10 * time.Second, By: venue.PerAddress, Weight: weight},
		{Quota: 300, Window: 10 * time.Second, By: venue.PerAccount, Weight: weight},
	}
}

func (m *mexc) Routes() []venue.Route {
	const list, create, keys = "/api/v3/sub-account/list", "/api/v3/sub-account/virtualSubAccount", "/api/v3/sub-account/apiKey"
	read, write := m.manages(mexcAccountRead), m.manages(mexcAccountWrite)
	return []venue.Route{
		{Pattern: "GET /api/v3/time", Operation: exchanges.OpServerTime, Public: true, Handle: m.serverTime, Limits: mexcLimit(1)[:1]},
		{Pattern: "GET /api/v3/ping", Operation: venue.OpOther, Public: true, Handle: m.ping, Limits: mexcLimit(1)[:1]},
		{Pattern: "GET /api/v3/account", Operation: exchanges.OpInspect, Permit: m.needs(mexcAccountRead), Handle: m.spotAccount, Limits: mexcLimit(10)},

		{Pattern: "GET " + list, Operation: exchanges.OpSubAccounts, Permit: read, Handle: m.listSubAccounts, Limits: mexcLimit(1)},
		{Pattern: "POST " + create, Operation: venue.OpOther, Permit: write, Handle: m.createSubAccount, Limits: mexcLimit(1)},
		{Pattern: "POST " + keys, Operation: exchanges.OpCreateKey, Permit: write, Handle: m.createKey, Limits: mexcLimit(1)},
		{Pattern: "GET " + keys, Operation: exchanges.OpListKeys, Permit: read, Handle: m.listKeys, Limits: mexcLimit(1)},
		{Pattern: "DELETE " + keys, Operation: exchanges.OpDeleteKey, Permit: write, Handle: m.deleteKey, Limits: mexcLimit(1)},

		{Pattern: "POST /api/v3/order", Operation: exchanges.OpUseKey, Permit: m.needs(mexcDealWrite), Handle: m.order, Limits: mexcLimit(1)},
		{Pattern: "POST /api/v1/private/order/submit", Operation: exchanges.OpUseKey, Permit: m.needs(mexcFuturesWrite), Handle: m.futuresOrder},
		{Pattern: "POST /api/v3/capital/transfer", Operation: exchanges.OpUseKey, Permit: m.needs(mexcTransferWrite), Handle: m.transfer, Limits: mexcLimit(1)},
		// No key can be given the permission for this.
		{Pattern: "POST /api/v3/capital/withdraw", Operation: exchanges.OpUseKey, Handle: m.noPermission, Limits: mexcLimit(1)},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (m *mexc) ok(body any) *venue.Answer { return venue.JSONAnswer(http.StatusOK, body) }

// refuse answers with a code and a text. Which HTTP status goes with which code
// is not documented, but for rate limits.
func (m *mexc) refuse(code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	if code == mexcTooManyRequests {
		status = http.StatusTooManyRequests
	}
	return venue.JSONAnswer(status, map[string]any{"code": code, "msg": message})
}

func (m *mexc) noPermission(*venue.Call) *venue.Answer {
	return m.refuse(mexcNoPermission, "No permission to access the endpoint")
}

// malformed answers to parameters that cannot be read, or that MEXC does not
// know.
func (m *mexc) malformed(why *venue.Complaint) *venue.Answer {
	return m.refuse(mexcIllegalCharacters, why.Error())
}

func (m *mexc) RateLimited(_ *venue.Call, q venue.Quota) *venue.Answer {
	seconds := (q.Wait + time.Second - 1) / time.Second
	return m.refuse(mexcTooManyRequests, "Too many requests").Set("Retry-After", strconv.Itoa(int(seconds)))
}

func (m *mexc) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not Found</h2></body></html>\n")
}

func (m *mexc) serverTime(c *venue.Call) *venue.Answer {
	return m.ok(map[string]int64{"serverTime": c.Now.UnixMilli()})
}

func (m *mexc) ping(*venue.Call) *venue.Answer { return m.ok(struct{}{}) }

// needs permits a key that has the permission.
func (m *mexc) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permission) {
			return m.noPermission(c)
		}
		return nil
	}
}

// manages permits a key of a master that has the permission.
func (m *mexc) manages(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if c.Key.Account.Parent != nil {
			return m.noPermission(c)
		}
		return m.needs(permission)(c)
	}
}
