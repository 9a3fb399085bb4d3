// Package coinex plays the API v2 of CoinEx as documented at
// https://docs.coinex.com/api/v2. Where the documentation leaves a rule open,
// it does the strictest thing that the documentation allows.
package coinex

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is CoinEx, with the state that the books do not hold.
type exchange struct {
	// lacking holds, by sub-account, the permissions that it was not given when
	// it was made.
	lacking map[string][]string
}

// Venue is the simulated CoinEx.
func Venue() venue.Listing { return venue.Listing{Name: "coinex", New: newRules} }

func newRules() venue.Rules { return &exchange{lacking: map[string][]string{}} }

func (e *exchange) Reset() { e.lacking = map[string][]string{} }

// StartsSlowly is there because CoinEx's help centre says that a new key can be
// unknown for up to 10 minutes.
func (e *exchange) StartsSlowly() {}

// Error codes, from https://docs.coinex.com/api/v2/error, except badParameter and
// badSignature: by reports to ccxt, CoinEx gives these in place of the documented
// 4004 and 4006. The documentation has none for a sub-account that is full or does
// not exist, nor for a key that no longer exists; the codes that start with 39 are
// made up.
const (
	noOrder       = 3600
	badParameter  = 3639
	unknownKey    = 4005
	badSignature  = 11005
	badAddress    = 4007
	noSignature   = 4008
	badMethod     = 4009
	expired       = 4010
	forbiddenUser = 4011
	noTrading     = 4115
	noFutures     = 4158
	tooFast       = 4213
	noPermission  = 4512
	noSubAccount  = 3901
	noSuchKey     = 3902
	keyCap        = 3903
	frozenAccount = 3904
	noOwnName     = 3905
)

// A key's rights. Only a main account's key can have the right to withdraw.
const (
	read     = "read"
	trade    = "trade"
	withdraw = "withdraw"
)

// Permissions of sub-accounts.
const (
	api     = "API"
	futures = "FUTURES"
	margin  = "MARGIN"
)

// spot is the type of market that no sub-account needs a permission for.
const spot = "SPOT"

// unboundLife is how long a key lasts if it is bound to no address.
const unboundLife = 90 * 24 * time.Hour

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	main := books.AddAccount(&venue.Account{ID: "main" + venue.RandomText(8, venue.Digits), Created: now})
	other := books.AddAccount(&venue.Account{ID: "main" + venue.RandomText(8, venue.Digits), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: main, Permissions: []string{read}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: main, Permissions: []string{read}, Expires: now.Add(unboundLife)},
		{Kind: "other", Account: other, Permissions: []string{read}, IPs: venue.Loopback()},
		// A sub-account's key manages no sub-accounts.
		{Kind: "no_right", Account: e.AddSubAccount(books, now, other), Permissions: []string{read, trade}, IPs: venue.Loopback()},
	} {
		root.ID, root.APIKey, root.Secret = venue.RandomNumber(7), e.accessID(), e.secretKey()
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) accessID() string  { return venue.RandomText(32, venue.UpperHex) }
func (e *exchange) secretKey() string { return venue.RandomText(48, venue.UpperHex) }

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{ID: "vault-desk" + venue.RandomText(8, venue.Digits), Parent: master, Created: now})
}

func (e *exchange) Routes() []venue.Route {
	const subs, assets = "/v2/account/subs", "/v2/assets/"
	group := []venue.Limit{
		{Quota: 400, Window: time.Second, By: venue.PerAddress, Bucket: "address"},
		{Quota: 10, Window: time.Second, By: venue.PerAccount, Bucket: "account"},
	}
	manage := func(pattern string, operation exchanges.Operation, handle func(*venue.Call) *venue.Answer) venue.Route {
		return venue.Route{Pattern: pattern, Operation: operation, Permit: e.mainOnly, Handle: handle, Limits: group}
	}
	return []venue.Route{
		{Pattern: "GET /v2/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime, Limits: group[:1]},
		{Pattern: "GET /v2/ping", Operation: venue.OpOther, Public: true, Handle: e.ping, Limits: group[:1]},

		{Pattern: "GET " + subs, Choose: func(c *venue.Call) venue.Route {
			operation := exchanges.OpSubAccounts
			if venue.FormParams(c.URL.RawQuery).Integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the smallest one that proves its right.
			}
			return manage("GET "+subs, operation, e.listSubAccounts)
		}},
		manage("POST "+subs, venue.OpOther, e.createSubAccount),
		manage("POST "+subs+"/frozen", venue.OpOther, e.freeze(true)),
		manage("POST "+subs+"/unfrozen", venue.OpOther, e.freeze(false)),
		{Pattern: "GET " + subs + "/info", Operation: exchanges.OpUseKey, Handle: e.info, Limits: group},

		manage("POST "+subs+"/api", exchanges.OpCreateKey, e.createKey),
		manage("POST "+subs+"/edit-api", exchanges.OpEditKey, e.editKey),
		manage("GET "+subs+"/api", exchanges.OpListKeys, e.listKeys),
		manage("GET "+subs+"/api-detail", venue.OpOther, e.showKey),
		manage("POST "+subs+"/delete-api", exchanges.OpDeleteKey, e.deleteKey),

		{Pattern: "GET " + assets + "spot/balance", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.balance},
		{Pattern: "POST " + assets + "transfer", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.transfer},
		{Pattern: "POST /v2/spot/order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.spotOrder},
		{Pattern: "POST /v2/futures/order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.futuresOrder},
		{Pattern: "GET /v2/spot/pending-order", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.pendingOrders(spot, margin)},
		{Pattern: "POST /v2/spot/cancel-order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.cancelOrder(spot, margin)},
		{Pattern: "GET /v2/futures/pending-order", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.pendingOrders(futures)},
		{Pattern: "POST /v2/futures/cancel-order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.cancelOrder(futures)},
		{Pattern: "POST " + assets + "withdraw", Operation: exchanges.OpUseKey, Permit: e.mayWithdraw, Handle: e.done},
	}
}

func (e *exchange) envelope(c *venue.Call, code int, data any, message string, more map[string]any) *venue.Answer {
	body := map[string]any{"code": code, "data": data, "message": message}
	for name, value := range more {
		body[name] = value
	}
	a := venue.JSONAnswer(http.StatusOK, body)
	for _, q := range c.Quotas {
		if q.Limit.By == venue.PerAccount {
			a.Set("X-RateLimit-Limit", strconv.Itoa(q.Allowed)).Set("X-RateLimit-Remaining", strconv.Itoa(max(q.Remaining(), 0)))
		}
	}
	return a
}

func (e *exchange) ok(c *venue.Call, data any) *venue.Answer {
	return e.envelope(c, 0, data, "OK", nil)
}

// refuse answers with a code and a text. Failures come with HTTP 200.
func (e *exchange) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return e.envelope(c, code, struct{}{}, message, nil)
}

func (e *exchange) malformed(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return e.refuse(c, badParameter, "Invalid Parameter: "+why.Error())
}

// RateLimited does not say how long to wait.
func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.refuse(c, tooFast, "The request is too frequent. Please try again later.")
}

// NotFound answers as a gateway does, without an envelope, unless the path
// exists for another method.
func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range e.Routes() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if rt.Pattern == method+" "+c.URL.Path {
				return e.refuse(c, badMethod, "Abnormal request method, please check.")
			}
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h1>404 Not Found</h1></body></html>\n")
}

// defaultWindow is how old a request may be, in milliseconds, unless the
// request says otherwise. It is also how far ahead of the clock its timestamp
// may be.
const defaultWindow = 5000

// Authenticate follows https://docs.coinex.com/api/v2/authorization.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	signature := c.Header.Get("X-COINEX-SIGN")
	sent, err := strconv.ParseInt(c.Header.Get("X-COINEX-TIMESTAMP"), 10, 64)
	window := int64(defaultWindow)
	if text := c.Header.Get("X-COINEX-WINDOWTIME"); text != "" && err == nil {
		window, err = strconv.ParseInt(text, 10, 64)
	}
	caller := c.Books.Key(c.Header.Get("X-COINEX-KEY"))
	age := c.Now.UnixMilli() - sent
	strict := c.Weather(venue.ByLetter) != ""
	switch {
	case caller == nil || caller.Expired(c.Now) || c.Now.Before(caller.Starts):
		return nil, e.refuse(c, unknownKey, "Abnormal access_id, please check whether the value passed by X-COINEX-KEY is normal.")
	case len(signature) != hex.EncodedLen(sha256.Size):
		return nil, e.refuse(c, noSignature, "Abnormal X-COINEX-SIGN value, please check.")
	case err != nil || c.Header.Get("Content-Type") != "application/json":
		return nil, e.refuse(c, badParameter, "Invalid Parameter: the headers are malformed")
	case age > window || age < -defaultWindow:
		return nil, e.refuse(c, expired, "Expired request, please try again later.")
	case !verifies(caller.Secret, signed(c), signature) && (strict || !verifiesOlder(caller.Secret, signed(c), signature)):
		return nil, e.refuse(c, badSignature, "Signature Incorrect")
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, badAddress, "IP address prohibited, please check whether the whitelist or export IP is normal.")
	}
	return caller, nil
}

// signed is the text that the caller must have signed: method, path with query,
// body and timestamp, all as sent.
func signed(c *venue.Call) string {
	target := c.URL.Path
	if c.URL.RawQuery != "" {
		target += "?" + c.URL.RawQuery
	}
	return c.Method + target + string(c.Body) + c.Header.Get("X-COINEX-TIMESTAMP")
}

// verifies checks a signature: lower-case hex of HMAC-SHA256.
func verifies(secret, plain, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(plain))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// verifiesOlder checks a signature in the older form: SHA-256 over the text and the
// secret.
func verifiesOlder(secret, plain, signature string) bool {
	hash := sha256.Sum256([]byte(plain + secret))
	return hmac.Equal([]byte(hex.EncodeToString(hash[:])), []byte(signature))
}

// mainOnly permits keys of main accounts, whatever the key itself may do.
func (e *exchange) mainOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return e.refuse(c, noPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]int64{"timestamp": c.Now.UnixMilli()})
}

func (e *exchange) ping(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]string{"result": "pong"})
}
