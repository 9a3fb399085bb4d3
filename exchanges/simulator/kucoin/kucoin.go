// Package kucoin plays KuCoin's REST API as documented at
// https://www.kucoin.com/docs-new/introduction. It also serves the futures
// endpoints, which KuCoin serves on another host. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation
// allows.
package kucoin

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is KuCoin, with the state that the books do not hold.
type exchange struct{}

// Venue is the simulated KuCoin.
func Venue() venue.Listing { return venue.Listing{Name: "kucoin", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// KuCoin's codes, from https://www.kucoin.com/docs-new/error-code.
const (
	codeOK        = "200000"
	noHeader      = "400001"
	badTimestamp  = "400002"
	unknownKey    = "400003"
	badPassphrase = "400004"
	badSignature  = "400005"
	unboundIP     = "400006"
	noPermission  = "400007"
	badVersion    = "400009"
	notMaster     = "400010"
	badParameter  = "400100"
	noURL         = "404000"
	badType       = "415000"
	tooMany       = "429000"
)

// window is how far a request's timestamp may be off, either way.
const window = 5 * time.Second

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(10), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{general}, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{spot}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: []string{general}},
		{Kind: "trading", Permissions: []string{general, spot, transfer}, IPs: venue.Loopback()},
		{Kind: "expiring", Permissions: []string{general}, IPs: venue.Loopback(), Expires: now.Add(5 * 24 * time.Hour)},
	} {
		root.APIKey, root.Secret, root.Passphrase = venue.RandomText(24, venue.LowerHex), venue.RandomUUID(), venue.RandomText(12, venue.Alphanumeric)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: "sub" + venue.RandomText(12, venue.Digits) + "desk", Name: venue.RandomNumber(10), Parent: master, Created: now,
	})
}

// pool is a pool of weight that several endpoints draw on
// (https://www.kucoin.com/docs-new/rate-limit). It has the size of the lowest
// VIP level's.
func pool(name string, by venue.Scope, weight int) []venue.Limit {
	return []venue.Limit{{Quota: 2000, Window: 30 * time.Second, By: by, Weight: weight, Bucket: name}}
}

func (e *exchange) Routes() []venue.Route {
	public := pool("public", venue.PerAddress, 3)
	management := func(weight int) []venue.Limit { return pool("management", venue.PerAccount, weight) }
	const keys = "/api/v1/sub/api-key"
	return []venue.Route{
		{Pattern: "GET /api/v1/timestamp", Operation: exchanges.OpServerTime, Public: true, Handle: e.timestamp, Limits: public},
		{Pattern: "GET /api/v1/status", Operation: venue.OpOther, Public: true, Handle: e.status, Limits: public},

		{Pattern: "GET /api/v1/user/api-key", Operation: exchanges.OpInspect, Permit: e.mayRead, Handle: e.ownKey, Limits: management(20)},
		{Pattern: "GET /api/v2/user-info", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.summary, Limits: management(20)},
		{Pattern: "GET /api/v2/sub/user", Operation: exchanges.OpSubAccounts, Permit: e.mayManage, Handle: e.listSubAccounts, Limits: management(20)},
		{Pattern: "POST /api/v2/sub/user/created", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.createSubAccount, Limits: management(15)},

		{Pattern: "POST " + keys, Operation: exchanges.OpCreateKey, Permit: e.mayManageKeys, Handle: e.createKey, Limits: management(20)},
		{Pattern: "POST " + keys + "/update", Operation: exchanges.OpEditKey, Permit: e.mayManageKeys, Handle: e.editKey, Limits: management(30)},
		{Pattern: "GET " + keys, Operation: exchanges.OpListKeys, Permit: e.mayManageKeys, Handle: e.listKeys, Limits: management(20)},
		{Pattern: "DELETE " + keys, Operation: exchanges.OpDeleteKey, Permit: e.mayManageKeys, Handle: e.deleteKey, Limits: management(30)},

		{Pattern: "GET /api/v1/accounts", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.balances, Limits: management(5)},
		{Pattern: "POST /api/v1/hf/orders", Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.order(spotSection)},
		{Pattern: "POST /api/v3/hf/margin/order", Operation: exchanges.OpUseKey, Permit: e.needs(margin), Handle: e.order(marginSection)},
		{Pattern: "POST /api/v1/orders", Choose: e.oldOrder},
		{Pattern: "GET /api/ua/v1/account/mode", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.accountMode},
		{Pattern: "GET /api/v1/hf/accounts/opened", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.highFrequency},
		{Pattern: "GET /api/v1/hf/orders/active", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.openOrders(false)},
		{Pattern: "DELETE /api/v1/hf/orders/{orderId}", Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.cancelOrder(false)},
		{Pattern: "GET /api/v1/orders", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.openOrders(true)},
		{Pattern: "DELETE /api/v1/orders/{orderId}", Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.cancelOrder(true)},
		{Pattern: "POST /api/v3/accounts/universal-transfer", Operation: exchanges.OpUseKey, Permit: e.needs(innerTransfer), Handle: e.transfer, Limits: management(4)},
		{Pattern: "POST /api/v3/withdrawals", Operation: exchanges.OpUseKey, Permit: e.needs(transfer), Handle: e.withdraw, Limits: management(5)},
	}
}

// ok builds an answer. On private endpoints it says how much of the pool is
// left.
func (e *exchange) ok(c *venue.Call, data any) *venue.Answer {
	return e.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"code": codeOK, "data": data}))
}

// refuse builds the documented answer for a code.
func (e *exchange) refuse(c *venue.Call, httpStatus int, code, message string) *venue.Answer {
	return e.withQuota(c, venue.JSONAnswer(httpStatus, map[string]string{"code": code, "msg": message}))
}

// withQuota adds the headers of https://www.kucoin.com/docs-new/rate-limit. The
// time to the reset is in milliseconds.
func (e *exchange) withQuota(c *venue.Call, a *venue.Answer) *venue.Answer {
	for _, q := range c.Quotas {
		reset := q.Limit.Window
		if q.Exceeded {
			reset = q.Wait
		}
		if q.Limit.By == venue.PerAccount {
			a.Set("gw-ratelimit-limit", strconv.Itoa(q.Allowed))
			a.Set("gw-ratelimit-remaining", strconv.Itoa(q.Remaining()))
			a.Set("gw-ratelimit-reset", strconv.FormatInt(reset.Milliseconds(), 10))
		}
	}
	return a
}

func (e *exchange) badParameter(c *venue.Call, why error) *venue.Answer {
	return e.refuse(c, http.StatusBadRequest, badParameter, "Parameter Error: "+why.Error())
}

func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.refuse(c, http.StatusTooManyRequests, tooMany, "Too many requests in a short period of time, please retry later")
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	return e.refuse(c, http.StatusNotFound, noURL, "Url Not Found")
}

// Authenticate follows https://www.kucoin.com/docs-new/authentication.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, name := range []string{"KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE"} {
		if c.Header.Get(name) == "" {
			return nil, e.refuse(c, http.StatusBadRequest, noHeader, "Please check the header of your request for "+name)
		}
	}
	strict := c.Weather(venue.ByLetter) != ""
	if (strict || len(c.Body) > 0) && c.Header.Get("Content-Type") != "application/json" {
		return nil, e.refuse(c, http.StatusUnsupportedMediaType, badType, "Unsupported Media Type")
	}
	sent, err := strconv.ParseInt(c.Header.Get("KC-API-TIMESTAMP"), 10, 64)
	if err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > window {
		return nil, e.refuse(c, http.StatusBadRequest, badTimestamp, "KC-API-TIMESTAMP Invalid")
	}
	caller := c.Books.Key(c.Header.Get("KC-API-KEY"))
	if caller == nil || caller.Expired(c.Now) {
		return nil, e.refuse(c, http.StatusUnauthorized, unknownKey, "KC-API-KEY not exists")
	}
	signed, err := signedText(c)
	switch {
	case c.Header.Get("KC-API-KEY-VERSION") != "3" && (strict || c.Header.Get("KC-API-KEY-VERSION") != "2"):
		return nil, e.refuse(c, http.StatusBadRequest, badVersion, "KC-API-KEY-VERSION error")
	case err != nil || !verifies(caller.Secret, signed, c.Header.Get("KC-API-SIGN")):
		return nil, e.refuse(c, http.StatusUnauthorized, badSignature, "Signature error")
	case !verifies(caller.Secret, caller.Passphrase, c.Header.Get("KC-API-PASSPHRASE")):
		return nil, e.refuse(c, http.StatusUnauthorized, badPassphrase, "KC-API-PASSPHRASE error")
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, http.StatusForbidden, unboundIP,
			"The requested ip address is not in the api whitelist, your current ip is "+c.Caller.String())
	}
	return caller, nil
}

// signedText is the text that the caller must have signed. Its query is not
// percent-encoded, though the request sends it so.
func signedText(c *venue.Call) (string, error) {
	path, query, hasQuery := strings.Cut(c.RequestURI, "?")
	if hasQuery {
		plain, err := url.QueryUnescape(query)
		if err != nil {
			return "", err
		}
		path += "?" + plain
	}
	return c.Header.Get("KC-API-TIMESTAMP") + c.Method + path + string(c.Body), nil
}

// verifies checks a signature: base64 of HMAC-SHA256.
func verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (e *exchange) timestamp(c *venue.Call) *venue.Answer { return e.ok(c, c.Now.UnixMilli()) }

func (e *exchange) status(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]string{"status": "open", "msg": ""})
}
