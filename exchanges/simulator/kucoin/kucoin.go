// Package kucoin is the simulated KuCoin.
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

// kucoin plays KuCoin's REST API as documented at
// https://www.kucoin.com/docs-new/introduction. Its futures endpoints, which
// have a host of their own, are served at the same one. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation allows.
type kucoin struct{}

// Venue is the simulated KuCoin.
func Venue() venue.Listing { return venue.Listing{Name: "kucoin", New: newKuCoin} }

func newKuCoin() venue.Rules { return &kucoin{} }

// KuCoin's codes, from https://www.kucoin.com/docs-new/error-code.
const (
	kucoinOK            = "200000"
	kucoinNoHeader      = "400001"
	kucoinBadTimestamp  = "400002"
	kucoinUnknownKey    = "400003"
	kucoinBadPassphrase = "400004"
	kucoinBadSignature  = "400005"
	kucoinUnboundIP     = "400006"
	kucoinNoPermission  = "400007"
	kucoinBadVersion    = "400009"
	kucoinNotMaster     = "400010"
	kucoinBadParameter  = "400100"
	kucoinNoURL         = "404000"
	kucoinBadType       = "415000"
	kucoinTooMany       = "429000"
)

// kucoinWindow is how far a request's timestamp may be off, either way.
const kucoinWindow = 5 * time.Second

func (k *kucoin) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(10), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{kucoinGeneral}, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{kucoinSpot}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: []string{kucoinGeneral}},
		{Kind: "trading", Permissions: []string{kucoinGeneral, kucoinSpot, kucoinTransfer}, IPs: venue.Loopback()},
		{Kind: "expiring", Permissions: []string{kucoinGeneral}, IPs: venue.Loopback(), Expires: now.Add(5 * 24 * time.Hour)},
	} {
		root.APIKey, root.Secret, root.Passphrase = venue.RandomText(24, venue.LowerHex), venue.RandomUUID(), venue.RandomText(12, venue.Alphanumeric)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (k *kucoin) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: "sub" + venue.RandomText(12, venue.Digits) + "desk", Name: venue.RandomNumber(10), Parent: master, Created: now,
	})
}

// kucoinPool is a pool of weight that several endpoints draw on
// (https://www.kucoin.com/docs-new/rate-limit): the lowest VIP level's.
func kucoinPool(name string, by venue.Scope, weight int) []venue.Limit {
	return []venue.Limit{{Quota: 2000, Window: 30 * time.Second, By: by, Weight: weight, Bucket: name}}
}

func (k *kucoin) Routes() []venue.Route {
	public := kucoinPool("public", venue.PerAddress, 3)
	management := func(weight int) []venue.Limit { return kucoinPool("management", venue.PerAccount, weight) }
	const keys = "/api/v1/sub/api-key"
	return []venue.Route{
		{Pattern: "GET /api/v1/timestamp", Operation: exchanges.OpServerTime, Public: true, Handle: k.timestamp, Limits: public},
		{Pattern: "GET /api/v1/status", Operation: venue.OpOther, Public: true, Handle: k.status, Limits: public},

		{Pattern: "GET /api/v1/user/api-key", Operation: exchanges.OpInspect, Permit: k.mayRead, Handle: k.ownKey, Limits: management(20)},
		{Pattern: "GET /api/v2/user-info", Operation: venue.OpOther, Permit: k.mayManage, Handle: k.summary, Limits: management(20)},
		{Pattern: "GET /api/v2/sub/user", Operation: exchanges.OpSubAccounts, Permit: k.mayManage, Handle: k.listSubAccounts, Limits: management(20)},
		{Pattern: "POST /api/v2/sub/user/created", Operation: venue.OpOther, Permit: k.mayManage, Handle: k.createSubAccount, Limits: management(15)},

		{Pattern: "POST " + keys, Operation: exchanges.OpCreateKey, Permit: k.mayManage, Handle: k.createKey, Limits: management(20)},
		{Pattern: "POST " + keys + "/update", Operation: exchanges.OpEditKey, Permit: k.mayManage, Handle: k.editKey, Limits: management(30)},
		{Pattern: "GET " + keys, Operation: exchanges.OpListKeys, Permit: k.mayManage, Handle: k.listKeys, Limits: management(20)},
		{Pattern: "DELETE " + keys, Operation: exchanges.OpDeleteKey, Permit: k.mayManage, Handle: k.deleteKey, Limits: management(30)},

		{Pattern: "GET /api/v1/accounts", Operation: exchanges.OpUseKey, Permit: k.mayRead, Handle: k.balances, Limits: management(5)},
		{Pattern: "POST /api/v1/hf/orders", Operation: exchanges.OpUseKey, Permit: k.needs(kucoinSpot), Handle: k.order},
		{Pattern: "POST /api/v3/hf/margin/order", Operation: exchanges.OpUseKey, Permit: k.needs(kucoinMargin), Handle: k.order},
		{Pattern: "POST /api/v1/orders", Operation: exchanges.OpUseKey, Permit: k.needs(kucoinFutures), Handle: k.order},
		{Pattern: "POST /api/v3/accounts/universal-transfer", Operation: exchanges.OpUseKey, Permit: k.needs(kucoinInnerTransfer), Handle: k.transfer, Limits: management(4)},
		{Pattern: "POST /api/v3/withdrawals", Operation: exchanges.OpUseKey, Permit: k.needs(kucoinTransfer), Handle: k.withdraw, Limits: management(5)},
	}
}

// ok builds an answer, which on private endpoints tells what is left of the
// pool.
func (k *kucoin) ok(c *venue.Call, data any) *venue.Answer {
	return k.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"code": kucoinOK, "data": data}))
}

// refuse builds the documented answer for a code.
func (k *kucoin) refuse(c *venue.Call, status int, code, message string) *venue.Answer {
	return k.withQuota(c, venue.JSONAnswer(status, map[string]string{"code": code, "msg": message}))
}

// withQuota adds the headers of https://www.kucoin.com/docs-new/rate-limit. The
// time to the reset is told in milliseconds.
func (k *kucoin) withQuota(c *venue.Call, a *venue.Answer) *venue.Answer {
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

func (k *kucoin) badParameter(c *venue.Call, why error) *venue.Answer {
	return k.refuse(c, http.StatusBadRequest, kucoinBadParameter, "Parameter Error: "+why.Error())
}

func (k *kucoin) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return k.refuse(c, http.StatusTooManyRequests, kucoinTooMany, "Too many requests in a short period of time, please retry later")
}

func (k *kucoin) NotFound(c *venue.Call) *venue.Answer {
	return k.refuse(c, http.StatusNotFound, kucoinNoURL, "Url Not Found")
}

// Authenticate follows https://www.kucoin.com/docs-new/authentication.
func (k *kucoin) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, name := range []string{"KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE"} {
		if c.Header.Get(name) == "" {
			return nil, k.refuse(c, http.StatusBadRequest, kucoinNoHeader, "Please check the header of your request for "+name)
		}
	}
	if c.Header.Get("Content-Type") != "application/json" {
		return nil, k.refuse(c, http.StatusUnsupportedMediaType, kucoinBadType, "Unsupported Media Type")
	}
	sent, err := strconv.ParseInt(c.Header.Get("KC-API-TIMESTAMP"), 10, 64)
	if err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > kucoinWindow {
		return nil, k.refuse(c, http.StatusBadRequest, kucoinBadTimestamp, "KC-API-TIMESTAMP Invalid")
	}
	caller := c.Books.Key(c.Header.Get("KC-API-KEY"))
	if caller == nil || caller.Expired(c.Now) {
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinUnknownKey, "KC-API-KEY not exists")
	}
	signed, err := kucoinSignedText(c)
	switch {
	case c.Header.Get("KC-API-KEY-VERSION") != "3":
		return nil, k.refuse(c, http.StatusBadRequest, kucoinBadVersion, "KC-API-KEY-VERSION error")
	case err != nil || !kucoinVerifies(caller.Secret, signed, c.Header.Get("KC-API-SIGN")):
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinBadSignature, "Signature error")
	case !kucoinVerifies(caller.Secret, caller.Passphrase, c.Header.Get("KC-API-PASSPHRASE")):
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinBadPassphrase, "KC-API-PASSPHRASE error")
	case !caller.Allows(c.Caller):
		return nil, k.refuse(c, http.StatusForbidden, kucoinUnboundIP,
			"The requested ip address is not in the api whitelist, your current ip is "+c.Caller.String())
	}
	return caller, nil
}

// kucoinSignedText is the text that the caller must have signed: the query in
// it is not percent-encoded, though it is sent so.
func kucoinSignedText(c *venue.Call) (string, error) {
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

// kucoinVerifies checks a signature: base64 of HMAC-SHA256.
func kucoinVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (k *kucoin) timestamp(c *venue.Call) *venue.Answer { return k.ok(c, c.Now.UnixMilli()) }

func (k *kucoin) status(c *venue.Call) *venue.Answer {
	return k.ok(c, map[string]string{"status": "open", "msg": ""})
}
