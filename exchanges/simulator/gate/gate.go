// Package gate plays the API v4 of Gate as documented at
// https://www.gate.com/docs/developers/apiv4/en/. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation
// allows. A deletion may take up to five minutes to act; here it takes all
// five.
package gate

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Gate, with the state that the books do not hold.
type exchange struct {
	fading []fadingKey
}

// fadingKey is a deleted key that still works.
type fadingKey struct {
	*venue.Key
	deleted time.Time
}

// Venue is the simulated Gate.
func Venue() venue.Listing { return venue.Listing{Name: "gate", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

func (e *exchange) Reset() { e.fading = nil }

// fade is how long a deleted key still works
// (https://www.gate.com/docs/developers/apiv4/en/#authentication).
const fade = 5 * time.Minute

// window is how far a request's timestamp may be off, either way.
const window = 60 * time.Second

// manage is what a root must hold to manage sub-accounts. Gate's lists of
// permissions have no name for it and never show it.
const manage = "(manage sub-accounts)"

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{"account", "wallet" + readOnly, manage}, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{"account", "spot"}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: []string{"account", manage}},
		{Kind: "trading", Permissions: []string{"account", "spot", "wallet", manage}, IPs: venue.Loopback()},
		// Some keys may not ask for the keys of the main account. The
		// documentation does not say which ones may.
		{Kind: "unlisted", Permissions: []string{"account" + readOnly, manage}, IPs: venue.Loopback()},
	} {
		root.APIKey, root.Secret = venue.RandomText(32, venue.LowerHex), venue.RandomText(64, venue.LowerHex)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: "sub_" + venue.RandomText(8, venue.Digits), Parent: master, Created: now,
	})
}

func (e *exchange) Routes() []venue.Route {
	per10s := func(requests int, by venue.Scope) []venue.Limit {
		return []venue.Limit{{Quota: requests, Window: 10 * time.Second, By: by}}
	}
	const subAccounts, subAccount = "/api/v4/sub_accounts", "/api/v4/sub_accounts/{user_id}"
	manage := func(pattern string, operation exchanges.Operation, handle func(*venue.Call) *venue.Answer) venue.Route {
		return venue.Route{Pattern: pattern, Operation: operation, Permit: e.mayManage, Handle: handle, Limits: per10s(80, venue.PerAccount)}
	}
	use := func(pattern string, handle func(*venue.Call) *venue.Answer, allowed ...string) venue.Route {
		return venue.Route{Pattern: pattern, Operation: exchanges.OpUseKey, Permit: e.mayUse(allowed...), Handle: handle, Limits: per10s(200, venue.PerAccount)}
	}
	return []venue.Route{
		{Pattern: "GET /api/v4/spot/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime, Limits: per10s(200, venue.PerAddress)},
		{Pattern: "GET /api/v4/account/detail", Operation: exchanges.OpInspect, Permit: e.mayUse("account"), Handle: e.detail, Limits: per10s(150, venue.PerAccount)},
		{Pattern: "GET /api/v4/account/main_keys", Operation: venue.OpOther, Handle: e.mainKeys, Limits: per10s(150, venue.PerAccount)},

		manage("GET "+subAccounts, exchanges.OpSubAccounts, e.listSubAccounts),
		manage("POST "+subAccounts, venue.OpOther, e.createSubAccount),
		manage("GET "+subAccount, venue.OpOther, e.getSubAccount),
		manage("POST "+subAccount+"/lock", venue.OpOther, e.lock),
		manage("POST "+subAccount+"/unlock", venue.OpOther, e.unlock),

		manage("GET "+subAccount+"/keys", exchanges.OpListKeys, e.listKeys),
		manage("POST "+subAccount+"/keys", exchanges.OpCreateKey, e.createKey),
		manage("GET "+subAccount+"/keys/{key}", exchanges.OpListKeys, e.getKey),
		manage("PUT "+subAccount+"/keys/{key}", exchanges.OpEditKey, e.editKey),
		manage("DELETE "+subAccount+"/keys/{key}", exchanges.OpDeleteKey, e.deleteKey),

		use("GET /api/v4/spot/accounts", e.balances, "spot"),
		use("POST /api/v4/spot/orders", e.order("currency_pair", "amount"), "spot"),
		use("GET /api/v4/spot/orders", e.ordersOf, "spot"),
		use("GET /api/v4/spot/open_orders", e.openOrders, "spot"),
		use("DELETE /api/v4/spot/orders/{order_id}", e.cancelOrder, "spot"),
		use("POST /api/v4/margin/uni/loans", e.loan, "margin"),
		use("POST /api/v4/futures/usdt/orders", e.order("contract", "size"), "futures"),
		use("POST /api/v4/options/orders", e.order("contract", "size"), "options"),
		use("POST /api/v4/wallet/transfers", e.transfer, "wallet"),
		{Pattern: "POST /api/v4/withdrawals", Operation: exchanges.OpUseKey, Handle: e.withdraw, Limits: per10s(1, venue.PerAccount)},
	}
}

// reply adds the headers that come with every answer
// (https://www.gate.com/docs/developers/apiv4/en/#frequency-limit-rule).
func (e *exchange) reply(c *venue.Call, a *venue.Answer) *venue.Answer {
	micros := strconv.FormatInt(c.Now.UnixMicro(), 10)
	a.Set("X-In-Time", micros).Set("X-Out-Time", micros)
	for _, q := range c.Quotas {
		reset := c.Now
		if q.Exceeded {
			// Whole seconds, rounded up so that the time is never too early.
			reset = c.Now.Add(q.Wait + time.Second - 1)
		}
		a.Set("X-Gate-RateLimit-Limit", strconv.Itoa(q.Allowed))
		a.Set("X-Gate-RateLimit-Requests-Remain", strconv.Itoa(q.Remaining()))
		a.Set("X-Gate-RateLimit-Reset-Timestamp", strconv.FormatInt(reset.Unix(), 10))
	}
	return a
}

func (e *exchange) ok(c *venue.Call, status int, body any) *venue.Answer {
	return e.reply(c, venue.JSONAnswer(status, body))
}

func (e *exchange) done(c *venue.Call) *venue.Answer {
	return e.reply(c, venue.TextAnswer(http.StatusNoContent, "", ""))
}

// refuse builds the answer for a label from
// https://www.gate.com/docs/developers/apiv4/en/#error-handling.
func (e *exchange) refuse(c *venue.Call, status int, label, message string) *venue.Answer {
	return e.ok(c, status, map[string]string{"label": label, "message": message})
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	label := "INVALID_PARAM_VALUE"
	switch why.Reason {
	case venue.Missing:
		label = "MISSING_REQUIRED_PARAM"
	case venue.Malformed, venue.WrongType:
		label = "INVALID_REQUEST_BODY"
	}
	return e.refuse(c, http.StatusBadRequest, label, why.Error())
}

func (e *exchange) forbidden(c *venue.Call, message string) *venue.Answer {
	return e.refuse(c, http.StatusForbidden, "FORBIDDEN", message)
}

func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.refuse(c, http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Request Rate Limit Exceeded")
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	return e.refuse(c, http.StatusNotFound, "NOT_FOUND", "Not found")
}

// Authenticate follows
// https://www.gate.com/docs/developers/apiv4/en/#apiv4-signed-request-requirements.
// It checks the clock before the key.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, name := range []string{"KEY", "Timestamp", "SIGN"} {
		if c.Header.Get(name) == "" {
			return nil, e.refuse(c, http.StatusBadRequest, "MISSING_REQUIRED_HEADER", "Missing required header: "+name)
		}
	}
	sent, ok := sentAt(c.Header.Get("Timestamp"))
	if !ok || c.Now.Sub(sent).Abs() > window {
		return nil, e.refuse(c, http.StatusForbidden, "REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60")
	}
	e.endUnbound(c)
	caller := e.caller(c)
	if caller == nil {
		return nil, e.refuse(c, http.StatusUnauthorized, "INVALID_KEY", "Invalid key provided")
	}
	signed, err := signedText(c)
	switch {
	case err != nil || !verifies(caller.Secret, signed, c.Header.Get("SIGN")):
		return nil, e.refuse(c, http.StatusUnauthorized, "INVALID_SIGNATURE", "Signature mismatch")
	case !caller.Allows(c.Caller):
		return nil, e.refuseAddress(c)
	case len(c.Body) > 0 && c.Header.Get("Content-Type") != "application/json":
		return nil, e.refuse(c, http.StatusUnsupportedMediaType, "INVALID_CONTENT_TYPE", "Invalid content type")
	}
	return caller, nil
}

// sentAt reads the header Timestamp. The documentation wants whole seconds, but the
// exchange's own SDK sends fractions.
func sentAt(header string) (time.Time, bool) {
	seconds, fraction, fractional := strings.Cut(header, ".")
	whole, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	if fractional {
		if _, err := strconv.ParseUint(fraction, 10, 64); err != nil {
			return time.Time{}, false
		}
	}
	return time.Unix(whole, 0), true
}

// caller finds the calling key, even one that was deleted a moment ago.
func (e *exchange) caller(c *venue.Call) *venue.Key {
	if live := c.Books.Key(c.Header.Get("KEY")); live != nil {
		return live
	}
	e.fading = slices.DeleteFunc(e.fading, func(k fadingKey) bool { return c.Documented(k.deleted) >= fade })
	for _, k := range e.fading {
		if k.APIKey == c.Header.Get("KEY") {
			return k.Key
		}
	}
	return nil
}

// signedText is the text that the caller must have signed: method, path,
// query without percent-encoding, hash of the body, and time.
func signedText(c *venue.Call) (string, error) {
	path, query, _ := strings.Cut(c.RequestURI, "?")
	plain, err := url.QueryUnescape(query)
	if err != nil {
		return "", err
	}
	body := sha512.Sum512(c.Body)
	return strings.Join([]string{c.Method, path, plain, hex.EncodeToString(body[:]), c.Header.Get("Timestamp")}, "\n"), nil
}

// verifies checks a signature: lower-case hex of HMAC-SHA512.
func verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(c, http.StatusOK, map[string]int64{"server_time": c.Now.UnixMilli()})
}
