package simulator

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
)

// kucoin plays KuCoin's REST API as documented at
// https://www.kucoin.com/docs-new/introduction. Its futures endpoints, which
// have a host of their own, are served at the same one. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation allows.
type kucoin struct{}

func newKuCoin() rules { return &kucoin{} }

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

func (k *kucoin) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(10), created: now})
	for _, root := range []key{
		{kind: mainRoot, permissions: []string{kucoinGeneral}, ips: loopback()},
		{kind: "no_right", permissions: []string{kucoinSpot}, ips: loopback()},
		{kind: "unbound", permissions: []string{kucoinGeneral}},
		{kind: "trading", permissions: []string{kucoinGeneral, kucoinSpot, kucoinTransfer}, ips: loopback()},
		{kind: "expiring", permissions: []string{kucoinGeneral}, ips: loopback(), expires: now.Add(5 * 24 * time.Hour)},
	} {
		root.apiKey, root.secret, root.passphrase = randomText(24, lowerHex), randomUUID(), randomText(12, alphanumeric)
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

func (k *kucoin) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: "sub" + randomText(12, digits) + "desk", name: randomNumber(10), parent: master, created: now,
	})
}

// kucoinPool is a pool of weight that several endpoints draw on
// (https://www.kucoin.com/docs-new/rate-limit): the lowest VIP level's.
func kucoinPool(name string, by scope, weight int) []limit {
	return []limit{{quota: 2000, window: 30 * time.Second, by: by, weight: weight, bucket: name}}
}

func (k *kucoin) routes() []route {
	public := kucoinPool("public", perAddress, 3)
	management := func(weight int) []limit { return kucoinPool("management", perAccount, weight) }
	const keys = "/api/v1/sub/api-key"
	return []route{
		{pattern: "GET /api/v1/timestamp", operation: exchanges.OpServerTime, public: true, handle: k.timestamp, limits: public},
		{pattern: "GET /api/v1/status", operation: opOther, public: true, handle: k.status, limits: public},

		{pattern: "GET /api/v1/user/api-key", operation: exchanges.OpInspect, permit: k.mayRead, handle: k.ownKey, limits: management(20)},
		{pattern: "GET /api/v2/user-info", operation: opOther, permit: k.mayManage, handle: k.summary, limits: management(20)},
		{pattern: "GET /api/v2/sub/user", operation: exchanges.OpSubAccounts, permit: k.mayManage, handle: k.listSubAccounts, limits: management(20)},
		{pattern: "POST /api/v2/sub/user/created", operation: opOther, permit: k.mayManage, handle: k.createSubAccount, limits: management(15)},

		{pattern: "POST " + keys, operation: exchanges.OpCreateKey, permit: k.mayManage, handle: k.createKey, limits: management(20)},
		{pattern: "POST " + keys + "/update", operation: exchanges.OpEditKey, permit: k.mayManage, handle: k.editKey, limits: management(30)},
		{pattern: "GET " + keys, operation: exchanges.OpListKeys, permit: k.mayManage, handle: k.listKeys, limits: management(20)},
		{pattern: "DELETE " + keys, operation: exchanges.OpDeleteKey, permit: k.mayManage, handle: k.deleteKey, limits: management(30)},

		{pattern: "GET /api/v1/accounts", operation: exchanges.OpUseKey, permit: k.mayRead, handle: k.balances, limits: management(5)},
		{pattern: "POST /api/v1/hf/orders", operation: exchanges.OpUseKey, permit: k.needs(kucoinSpot), handle: k.order},
		{pattern: "POST /api/v3/hf/margin/order", operation: exchanges.OpUseKey, permit: k.needs(kucoinMargin), handle: k.order},
		{pattern: "POST /api/v1/orders", operation: exchanges.OpUseKey, permit: k.needs(kucoinFutures), handle: k.order},
		{pattern: "POST /api/v3/accounts/universal-transfer", operation: exchanges.OpUseKey, permit: k.needs(kucoinInnerTransfer), handle: k.transfer, limits: management(4)},
		{pattern: "POST /api/v3/withdrawals", operation: exchanges.OpUseKey, permit: k.needs(kucoinTransfer), handle: k.withdraw, limits: management(5)},
	}
}

// ok builds an answer, which on private endpoints tells what is left of the
// pool.
func (k *kucoin) ok(c *call, data any) *answer {
	return k.withQuota(c, jsonAnswer(http.StatusOK, map[string]any{"code": kucoinOK, "data": data}))
}

// refuse builds the documented answer for a code.
func (k *kucoin) refuse(c *call, status int, code, message string) *answer {
	return k.withQuota(c, jsonAnswer(status, map[string]string{"code": code, "msg": message}))
}

// withQuota adds the headers of https://www.kucoin.com/docs-new/rate-limit. The
// time to the reset is told in milliseconds.
func (k *kucoin) withQuota(c *call, a *answer) *answer {
	for _, q := range c.quotas {
		reset := q.limit.window
		if q.exceeded {
			reset = q.wait
		}
		if q.limit.by == perAccount {
			a.set("gw-ratelimit-limit", strconv.Itoa(q.allowed))
			a.set("gw-ratelimit-remaining", strconv.Itoa(q.remaining()))
			a.set("gw-ratelimit-reset", strconv.FormatInt(reset.Milliseconds(), 10))
		}
	}
	return a
}

func (k *kucoin) badParameter(c *call, why error) *answer {
	return k.refuse(c, http.StatusBadRequest, kucoinBadParameter, "Parameter Error: "+why.Error())
}

func (k *kucoin) rateLimited(c *call, _ quota) *answer {
	return k.refuse(c, http.StatusTooManyRequests, kucoinTooMany, "Too many requests in a short period of time, please retry later")
}

func (k *kucoin) notFound(c *call) *answer {
	return k.refuse(c, http.StatusNotFound, kucoinNoURL, "Url Not Found")
}

// authenticate follows https://www.kucoin.com/docs-new/authentication.
func (k *kucoin) authenticate(c *call) (*key, *answer) {
	for _, name := range []string{"KC-API-KEY", "KC-API-SIGN", "KC-API-TIMESTAMP", "KC-API-PASSPHRASE"} {
		if c.Header.Get(name) == "" {
			return nil, k.refuse(c, http.StatusBadRequest, kucoinNoHeader, "Please check the header of your request for "+name)
		}
	}
	if c.Header.Get("Content-Type") != "application/json" {
		return nil, k.refuse(c, http.StatusUnsupportedMediaType, kucoinBadType, "Unsupported Media Type")
	}
	sent, err := strconv.ParseInt(c.Header.Get("KC-API-TIMESTAMP"), 10, 64)
	if err != nil || c.now.Sub(time.UnixMilli(sent)).Abs() > kucoinWindow {
		return nil, k.refuse(c, http.StatusBadRequest, kucoinBadTimestamp, "KC-API-TIMESTAMP Invalid")
	}
	caller := c.books.key(c.Header.Get("KC-API-KEY"))
	if caller == nil || caller.expired(c.now) {
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinUnknownKey, "KC-API-KEY not exists")
	}
	signed, err := kucoinSignedText(c)
	switch {
	case c.Header.Get("KC-API-KEY-VERSION") != "3":
		return nil, k.refuse(c, http.StatusBadRequest, kucoinBadVersion, "KC-API-KEY-VERSION error")
	case err != nil || !kucoinVerifies(caller.secret, signed, c.Header.Get("KC-API-SIGN")):
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinBadSignature, "Signature error")
	case !kucoinVerifies(caller.secret, caller.passphrase, c.Header.Get("KC-API-PASSPHRASE")):
		return nil, k.refuse(c, http.StatusUnauthorized, kucoinBadPassphrase, "KC-API-PASSPHRASE error")
	case !caller.allows(c.caller):
		return nil, k.refuse(c, http.StatusForbidden, kucoinUnboundIP,
			"The requested ip address is not in the api whitelist, your current ip is "+c.caller.String())
	}
	return caller, nil
}

// kucoinSignedText is the text that the caller must have signed: the query in
// it is not percent-encoded, though it is sent so.
func kucoinSignedText(c *call) (string, error) {
	path, query, hasQuery := strings.Cut(c.RequestURI, "?")
	if hasQuery {
		plain, err := url.QueryUnescape(query)
		if err != nil {
			return "", err
		}
		path += "?" + plain
	}
	return c.Header.Get("KC-API-TIMESTAMP") + c.Method + path + string(c.body), nil
}

// kucoinVerifies checks a signature: base64 of HMAC-SHA256.
func kucoinVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (k *kucoin) timestamp(c *call) *answer { return k.ok(c, c.now.UnixMilli()) }

func (k *kucoin) status(c *call) *answer {
	return k.ok(c, map[string]string{"status": "open", "msg": ""})
}
