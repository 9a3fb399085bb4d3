// Package mexc plays the spot v3 API of MEXC for master accounts as documented
// at https://www.mexc.com/api-docs/spot-v3/introduction. Where the
// documentation leaves a rule open, it does the strictest thing that the
// documentation allows. It also serves futures trading, which MEXC serves on
// another host with another signature; here it takes this one.
package mexc

import (
	"crypto"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is MEXC, with the state that the books do not hold.
type exchange struct{}

// Venue is the simulated MEXC.
func Venue() venue.Listing { return venue.Listing{Name: "mexc", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// Error codes, from https://www.mexc.com/api-docs/spot-v3/error-code.
const (
	unknownOrder      = -2011
	notAllowed        = 26
	noKey             = 400
	tooManyRequests   = 429
	unknownKey        = 10072
	noTimestamp       = 10073
	noSubAccount      = 140001
	frozen            = 140002
	badSignature      = 700002
	badTimestamp      = 700003
	badWindow         = 700005
	badAddress        = 700006
	noPermission      = 700007
	badContentType    = 700013
	badParameter      = 730002
	subNameExists     = 730101
	noSubName         = 730600
	badSubName        = 730601
	noSubNote         = 730602
	noNote            = 730700
	noPermissions     = 730701
	unknownPermission = 730702
	tooManyAddresses  = 730703
	badAddressList    = 730704
	keyCap            = 730705
	noSuchKey         = 730706
	noKeyParameter    = 730707
)

// The permissions that rules check keys for. None includes another.
const (
	accountRead   = "SPOT_ACCOUNT_READ"
	accountWrite  = "SPOT_ACCOUNT_WRITE"
	dealRead      = "SPOT_DEAL_READ"
	dealWrite     = "SPOT_DEAL_WRITE"
	futuresWrite  = "CONTRACT_DEAL_WRITE"
	transferWrite = "SPOT_TRANSFER_WRITE"
)

// unboundLife is how long a key lasts if it is bound to no address.
const unboundLife = 90 * 24 * time.Hour

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{accountRead, accountWrite}, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{dealRead}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: []string{accountRead, accountWrite}, Expires: now.Add(unboundLife)},
		// MEXC's pages disagree on whether this right is enough to make keys.
		{Kind: "reader", Permissions: []string{accountRead}, IPs: venue.Loopback()},
	} {
		root.APIKey, root.Secret = keyText(), venue.RandomText(32, venue.LowerHex)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

// keyText draws an API key.
func keyText() string { return "mx0" + venue.RandomText(19, venue.Alphanumeric) }

// AddSubAccount names a sub-account by its name; its second name is a number.
func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: "desk" + venue.RandomText(8, venue.Digits), Name: venue.RandomNumber(8), Parent: master, Created: now,
	})
}

// limit is the limit of one endpoint, counted per address and per account.
func limit(weight int) []venue.Limit {
	return []venue.Limit{
		{Quota: 300, Window: 10 * time.Second, By: venue.PerAddress, Weight: weight},
		{Quota: 300, Window: 10 * time.Second, By: venue.PerAccount, Weight: weight},
	}
}

func (e *exchange) Routes() []venue.Route {
	const listed, create, keys = "/api/v3/sub-account/list", "/api/v3/sub-account/virtualSubAccount", "/api/v3/sub-account/apiKey"
	read, write := e.manages(accountRead), e.mayWrite
	return []venue.Route{
		{Pattern: "GET /api/v3/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime, Limits: limit(1)[:1]},
		{Pattern: "GET /api/v3/ping", Operation: venue.OpOther, Public: true, Handle: e.ping, Limits: limit(1)[:1]},
		{Pattern: "GET /api/v3/account", Operation: exchanges.OpInspect, Permit: e.needs(accountRead), Handle: e.spotAccount, Limits: limit(10)},

		{Pattern: "GET " + listed, Operation: exchanges.OpSubAccounts, Permit: read, Handle: e.listSubAccounts, Limits: limit(1)},
		{Pattern: "POST " + create, Operation: venue.OpOther, Permit: write, Handle: e.createSubAccount, Limits: limit(1)},
		{Pattern: "POST " + keys, Operation: exchanges.OpCreateKey, Permit: write, Handle: e.createKey, Limits: limit(1)},
		{Pattern: "GET " + keys, Operation: exchanges.OpListKeys, Permit: read, Handle: e.listKeys, Limits: limit(1)},
		{Pattern: "DELETE " + keys, Operation: exchanges.OpDeleteKey, Permit: write, Handle: e.deleteKey, Limits: limit(1)},

		{Pattern: "POST /api/v3/order", Operation: exchanges.OpUseKey, Permit: e.needs(dealWrite), Handle: e.order, Limits: limit(1)},
		{Pattern: "GET /api/v3/openOrders", Operation: exchanges.OpUseKey, Permit: e.needs(dealRead), Handle: e.openOrders, Limits: limit(3)},
		{Pattern: "DELETE /api/v3/order", Operation: exchanges.OpUseKey, Permit: e.needs(dealWrite), Handle: e.cancelOrder, Limits: limit(1)},
		{Pattern: "POST /api/v1/private/order/submit", Operation: exchanges.OpUseKey, Permit: e.needs(futuresWrite), Handle: e.futuresOrder},
		{Pattern: "POST /api/v3/capital/transfer", Operation: exchanges.OpUseKey, Permit: e.needs(transferWrite), Handle: e.transfer, Limits: limit(1)},
		// No key can be given the permission for this.
		{Pattern: "POST /api/v3/capital/withdraw", Operation: exchanges.OpUseKey, Handle: e.noPermission, Limits: limit(1)},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (e *exchange) ok(body any) *venue.Answer { return venue.JSONAnswer(http.StatusOK, body) }

// refuse answers with a code and a text. Only for rate limits does the
// documentation say which HTTP status goes with a code.
func (e *exchange) refuse(code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	if code == tooManyRequests {
		status = http.StatusTooManyRequests
	}
	return venue.JSONAnswer(status, map[string]any{"code": code, "msg": message})
}

func (e *exchange) noPermission(*venue.Call) *venue.Answer {
	return e.refuse(noPermission, "No permission to access the endpoint")
}

// malformed answers to parameters that cannot be read or that MEXC does not
// know.
func (e *exchange) malformed(why *venue.Complaint) *venue.Answer {
	return e.refuse(badParameter, "Parameter error: "+why.Error())
}

func (e *exchange) RateLimited(_ *venue.Call, q venue.Quota) *venue.Answer {
	seconds := (q.Wait + time.Second - 1) / time.Second
	return e.refuse(tooManyRequests, "Too many requests").Set("Retry-After", strconv.Itoa(int(seconds)))
}

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not Found</h2></body></html>\n")
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(map[string]int64{"serverTime": c.Now.UnixMilli()})
}

func (e *exchange) ping(*venue.Call) *venue.Answer { return e.ok(struct{}{}) }

// needs permits a key that has the permission.
func (e *exchange) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permission) {
			return e.noPermission(c)
		}
		return nil
	}
}

// mayWrite permits a key of a master that has the right to change sub-accounts.
func (e *exchange) mayWrite(c *venue.Call) *venue.Answer {
	if c.Weather(rootRight) == readSuffices {
		return e.manages(accountRead)(c)
	}
	return e.manages(accountWrite)(c)
}

// manages permits a key of a master that has the permission.
func (e *exchange) manages(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if c.Key.Account.Parent != nil {
			return e.noPermission(c)
		}
		return e.needs(permission)(c)
	}
}
