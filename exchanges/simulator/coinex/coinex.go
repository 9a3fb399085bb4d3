// Package coinex is the simulated CoinEx.
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

// coinex plays the API v2 of CoinEx as documented at
// https://docs.coinex.com/api/v2. Where the documentation leaves a rule open, it
// does the strictest thing that the documentation allows.
type coinex struct {
	// lacking are the permissions that sub-accounts were not given when they
	// were made, by their names.
	lacking map[string][]string
}

// Venue is the simulated CoinEx.
func Venue() venue.Listing { return venue.Listing{Name: "coinex", New: newCoinEx} }

func newCoinEx() venue.Rules { return &coinex{lacking: map[string][]string{}} }

func (x *coinex) Reset() { x.lacking = map[string][]string{} }

// StartsSlowly: a new key is unknown for up to 10 minutes, says CoinEx's help
// centre.
func (x *coinex) StartsSlowly() {}

// Error codes, from https://docs.coinex.com/api/v2/error. Those for a sub-account
// that is full or not there, and for a key that is gone, are not documented; the
// ones that start with 39 are made up.
const (
	coinexBadParameter  = 4004
	coinexUnknownKey    = 4005
	coinexBadSignature  = 4006
	coinexBadAddress    = 4007
	coinexNoSignature   = 4008
	coinexBadMethod     = 4009
	coinexExpired       = 4010
	coinexNoTrading     = 4115
	coinexNoFutures     = 4158
	coinexTooFast       = 4213
	coinexNoPermission  = 4512
	coinexNoSubAccount  = 3901
	coinexNoSuchKey     = 3902
	coinexKeyCap        = 3903
	coinexFrozenAccount = 3904
)

// What keys may do. Only keys of main accounts can be made to withdraw.
const (
	coinexRead     = "read"
	coinexTrade    = "trade"
	coinexWithdraw = "withdraw"
)

// Permissions of sub-accounts.
const (
	coinexAPI     = "API"
	coinexFutures = "FUTURES"
	coinexMargin  = "MARGIN"
)

// coinexUnboundLife is how long a key lasts that is bound to no address.
const coinexUnboundLife = 90 * 24 * time.Hour

func (x *coinex) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	main := books.AddAccount(&venue.Account{ID: "main" + venue.RandomText(8, venue.Digits), Created: now})
	other := books.AddAccount(&venue.Account{ID: "main" + venue.RandomText(8, venue.Digits), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: main, Permissions: []string{coinexRead}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: main, Permissions: []string{coinexRead}, Expires: now.Add(coinexUnboundLife)},
		// A key of a sub-account manages none.
		{Kind: "no_right", Account: x.AddSubAccount(books, now, other), Permissions: []string{coinexRead, coinexTrade}, IPs: venue.Loopback()},
	} {
		root.ID, root.APIKey, root.Secret = venue.RandomNumber(7), x.accessID(), x.secretKey()
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

func (x *coinex) accessID() string  { return venue.RandomText(32, venue.UpperHex) }
func (x *coinex) secretKey() string { return venue.RandomText(48, venue.UpperHex) }

func (x *coinex) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{ID: "vault-desk" + venue.RandomText(8, venue.Digits), Parent: master, Created: now})
}

func (x *coinex) Routes() []venue.Route {
	const subs, assets = "/v2/account/subs", "/v2/assets/"
	group := []venue.Limit{
		{Quota: 400, Window: time.Second, By: venue.PerAddress, Bucket: "address"},
		{Quota: 10, Window: time.Second, By: venue.PerAccount, Bucket: "account"},
	}
	manage := func(pattern string, operation exchanges.Operation, handle func(*venue.Call) *venue.Answer) venue.Route {
		return venue.Route{Pattern: pattern, Operation: operation, Permit: x.mainOnly, Handle: handle, Limits: group}
	}
	return []venue.Route{
		{Pattern: "GET /v2/time", Operation: exchanges.OpServerTime, Public: true, Handle: x.serverTime, Limits: group[:1]},
		{Pattern: "GET /v2/ping", Operation: venue.OpOther, Public: true, Handle: x.ping, Limits: group[:1]},

		{Pattern: "GET " + subs, Choose: func(c *venue.Call) venue.Route {
			operation := exchanges.OpSubAccounts
			if venue.FormParams(c.URL.RawQuery).Integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the least that shows its right.
			}
			return manage("GET "+subs, operation, x.listSubAccounts)
		}},
		manage("POST "+subs, venue.OpOther, x.createSubAccount),
		manage("POST "+subs+"/frozen", venue.OpOther, x.freeze(true)),
		manage("POST "+subs+"/unfrozen", venue.OpOther, x.freeze(false)),
		{Pattern: "GET " + subs + "/info", Operation: exchanges.OpUseKey, Handle: x.info, Limits: group},

		manage("POST "+subs+"/api", exchanges.OpCreateKey, x.createKey),
		manage("POST "+subs+"/edit-api", exchanges.OpEditKey, x.editKey),
		manage("GET "+subs+"/api", exchanges.OpListKeys, x.listKeys),
		manage("GET "+subs+"/api-detail", venue.OpOther, x.showKey),
		manage("POST "+subs+"/delete-api", exchanges.OpDeleteKey, x.deleteKey),

		{Pattern: "GET " + assets + "spot/balance", Operation: exchanges.OpUseKey, Permit: x.mayRead, Handle: x.balance},
		{Pattern: "POST " + assets + "transfer", Operation: exchanges.OpUseKey, Permit: x.mayTrade, Handle: x.transfer},
		{Pattern: "POST /v2/spot/order", Operation: exchanges.OpUseKey, Permit: x.mayTrade, Handle: x.spotOrder},
		{Pattern: "POST /v2/futures/order", Operation: exchanges.OpUseKey, Permit: x.mayTrade, Handle: x.futuresOrder},
		{Pattern: "POST " + assets + "withdraw", Operation: exchanges.OpUseKey, Permit: x.mayWithdraw, Handle: x.done},
	}
}

func (x *coinex) envelope(c *venue.Call, code int, data any, message string, more map[string]any) *venue.Answer {
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

func (x *coinex) ok(c *venue.Call, data any) *venue.Answer { return x.envelope(c, 0, data, "OK", nil) }

// refuse answers with a code and a text. Failures come with HTTP 200.
func (x *coinex) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return x.envelope(c, code, struct{}{}, message, nil)
}

func (x *coinex) malformed(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return x.refuse(c, coinexBadParameter, "Parameter error: "+why.Error())
}

// RateLimited does not tell how long to wait.
func (x *coinex) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return x.refuse(c, coinexTooFast, "The request is too frequent. Please try again later.")
}

// NotFound answers as a gateway does, without an envelope, unless the path is
// known with another method.
func (x *coinex) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range x.Routes() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if rt.Pattern == method+" "+c.URL.Path {
				return x.refuse(c, coinexBadMethod, "Abnormal request method, please check.")
			}
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h1>404 Not Found</h1></body></html>\n")
}

// coinexWindow is how old a request may be in milliseconds, unless it says
// otherwise, and how far ahead of the clock its timestamp may be.
const coinexWindow = 5000

// Authenticate follows https://docs.coinex.com/api/v2/authorization.
func (x *coinex) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	signature := c.Header.Get("X-COINEX-SIGN")
	sent, err := strconv.ParseInt(c.Header.Get("X-COINEX-TIMESTAMP"), 10, 64)
	window := int64(coinexWindow)
	if text := c.Header.Get("X-COINEX-WINDOWTIME"); text != "" && err == nil {
		window, err = strconv.ParseInt(text, 10, 64)
	}
	caller := c.Books.Key(c.Header.Get("X-COINEX-KEY"))
	age := c.Now.UnixMilli() - sent
	switch {
	case caller == nil || caller.Expired(c.Now) || c.Now.Before(caller.Starts):
		return nil, x.refuse(c, coinexUnknownKey, "Abnormal access_id, please check whether the value passed by X-COINEX-KEY is normal.")
	case len(signature) != hex.EncodedLen(sha256.Size):
		return nil, x.refuse(c, coinexNoSignature, "Abnormal X-COINEX-SIGN value, please check.")
	case err != nil || c.Header.Get("Content-Type") != "application/json":
		return nil, x.refuse(c, coinexBadParameter, "Parameter error: the headers are malformed")
	case age > window || age < -coinexWindow:
		return nil, x.refuse(c, coinexExpired, "Expired request, please try again later.")
	case !coinexVerifies(caller.Secret, coinexSigned(c), signature):
		return nil, x.refuse(c, coinexBadSignature, "Signature verification failed, please check the signature according to the documentation instructions.")
	case !caller.Allows(c.Caller):
		return nil, x.refuse(c, coinexBadAddress, "IP address prohibited, please check whether the whitelist or export IP is normal.")
	}
	return caller, nil
}

// coinexSigned is the text that the caller must have signed: method, path with
// query, body and timestamp as sent.
func coinexSigned(c *venue.Call) string {
	target := c.URL.Path
	if c.URL.RawQuery != "" {
		target += "?" + c.URL.RawQuery
	}
	return c.Method + target + string(c.Body) + c.Header.Get("X-COINEX-TIMESTAMP")
}

// coinexVerifies checks a signature: lower-case hex of HMAC-SHA256.
func coinexVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// mainOnly permits keys of main accounts. What the key itself may do does not
// matter.
func (x *coinex) mainOnly(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil {
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

func (x *coinex) serverTime(c *venue.Call) *venue.Answer {
	return x.ok(c, map[string]int64{"timestamp": c.Now.UnixMilli()})
}

func (x *coinex) ping(c *venue.Call) *venue.Answer {
	return x.ok(c, map[string]string{"result": "pong"})
}
