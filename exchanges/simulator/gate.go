package simulator

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
)

// gate plays the API v4 of Gate as documented at
// https://www.gate.com/docs/developers/apiv4/en/. Where the documentation leaves
// a rule open, it does the strictest thing that the documentation allows. Of a
// deletion, which may take up to five minutes to act, that is all five.
type gate struct {
	fading []fadingKey
}

// fadingKey is a deleted key that still works.
type fadingKey struct {
	*key
	deleted time.Time
}

func newGate() rules { return &gate{} }

func (g *gate) reset() { g.fading = nil }

// gateFade is how long a deleted key still works
// (https://www.gate.com/docs/developers/apiv4/en/#authentication).
const gateFade = 5 * time.Minute

// gateWindow is how far a request's timestamp may be off, either way.
const gateWindow = 60 * time.Second

// gateManage is what a root must hold to manage sub-accounts. Gate's lists of
// permissions have no word for it and never show it.
const gateManage = "(manage sub-accounts)"

func (g *gate) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(8), created: now})
	for _, root := range []key{
		{kind: mainRoot, permissions: []string{"account", "wallet" + gateReadOnly, gateManage}, ips: loopback()},
		{kind: "no_right", permissions: []string{"account", "spot"}, ips: loopback()},
		{kind: "unbound", permissions: []string{"account", gateManage}},
		{kind: "trading", permissions: []string{"account", "spot", "wallet", gateManage}, ips: loopback()},
		// Not every key may ask for the keys of the main account; which may
		// is not documented.
		{kind: "unlisted", permissions: []string{"account" + gateReadOnly, gateManage}, ips: loopback()},
	} {
		root.apiKey, root.secret = randomText(32, lowerHex), randomText(64, lowerHex)
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

func (g *gate) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: randomNumber(8), name: "sub_" + randomText(8, digits), parent: master, created: now,
	})
}

func (g *gate) routes() []route {
	per10s := func(requests int, by scope) []limit {
		return []limit{{quota: requests, window: 10 * time.Second, by: by}}
	}
	const subAccounts, subAccount = "/api/v4/sub_accounts", "/api/v4/sub_accounts/{user_id}"
	manage := func(pattern string, operation exchanges.Operation, handle func(*call) *answer) route {
		return route{pattern: pattern, operation: operation, permit: g.mayManage, handle: handle, limits: per10s(80, perAccount)}
	}
	use := func(pattern string, handle func(*call) *answer, groups ...string) route {
		return route{pattern: pattern, operation: exchanges.OpUseKey, permit: g.mayUse(groups...), handle: handle, limits: per10s(200, perAccount)}
	}
	return []route{
		{pattern: "GET /api/v4/spot/time", operation: exchanges.OpServerTime, public: true, handle: g.serverTime, limits: per10s(200, perAddress)},
		{pattern: "GET /api/v4/account/detail", operation: exchanges.OpInspect, permit: g.mayUse("account"), handle: g.detail, limits: per10s(150, perAccount)},
		{pattern: "GET /api/v4/account/main_keys", operation: opOther, handle: g.mainKeys, limits: per10s(150, perAccount)},

		manage("GET "+subAccounts, exchanges.OpSubAccounts, g.listSubAccounts),
		manage("POST "+subAccounts, opOther, g.createSubAccount),
		manage("GET "+subAccount, opOther, g.getSubAccount),
		manage("POST "+subAccount+"/lock", opOther, g.lock),
		manage("POST "+subAccount+"/unlock", opOther, g.unlock),

		manage("GET "+subAccount+"/keys", exchanges.OpListKeys, g.listKeys),
		manage("POST "+subAccount+"/keys", exchanges.OpCreateKey, g.createKey),
		manage("GET "+subAccount+"/keys/{key}", exchanges.OpListKeys, g.getKey),
		manage("PUT "+subAccount+"/keys/{key}", exchanges.OpEditKey, g.editKey),
		manage("DELETE "+subAccount+"/keys/{key}", exchanges.OpDeleteKey, g.deleteKey),

		use("GET /api/v4/spot/accounts", g.balances, "spot"),
		use("POST /api/v4/spot/orders", g.order("currency_pair", "amount"), "spot"),
		use("POST /api/v4/margin/uni/loans", g.loan, "margin"),
		use("POST /api/v4/futures/usdt/orders", g.order("contract", "size"), "futures"),
		use("POST /api/v4/options/orders", g.order("contract", "size"), "options"),
		use("POST /api/v4/wallet/transfers", g.transfer, "wallet"),
		{pattern: "POST /api/v4/withdrawals", operation: exchanges.OpUseKey, handle: g.withdraw, limits: per10s(1, perAccount)},
	}
}

// reply adds the headers that come with every answer
// (https://www.gate.com/docs/developers/apiv4/en/#frequency-limit-rule).
func (g *gate) reply(c *call, a *answer) *answer {
	micros := strconv.FormatInt(c.now.UnixMicro(), 10)
	a.set("X-In-Time", micros).set("X-Out-Time", micros)
	for _, q := range c.quotas {
		reset := c.now
		if q.exceeded {
			// Told in whole seconds, and never too early.
			reset = c.now.Add(q.wait + time.Second - 1)
		}
		a.set("X-Gate-RateLimit-Limit", strconv.Itoa(q.allowed))
		a.set("X-Gate-RateLimit-Requests-Remain", strconv.Itoa(q.remaining()))
		a.set("X-Gate-RateLimit-Reset-Timestamp", strconv.FormatInt(reset.Unix(), 10))
	}
	return a
}

func (g *gate) ok(c *call, status int, body any) *answer { return g.reply(c, jsonAnswer(status, body)) }

func (g *gate) done(c *call) *answer { return g.reply(c, textAnswer(http.StatusNoContent, "", "")) }

// refuse builds the answer for a label of
// https://www.gate.com/docs/developers/apiv4/en/#error-handling.
func (g *gate) refuse(c *call, status int, label, message string) *answer {
	return g.ok(c, status, map[string]string{"label": label, "message": message})
}

func (g *gate) badParameter(c *call, why *complaint) *answer {
	label := "INVALID_PARAM_VALUE"
	switch why.reason {
	case missing:
		label = "MISSING_REQUIRED_PARAM"
	case malformed, wrongType:
		label = "INVALID_REQUEST_BODY"
	}
	return g.refuse(c, http.StatusBadRequest, label, why.Error())
}

func (g *gate) forbidden(c *call, message string) *answer {
	return g.refuse(c, http.StatusForbidden, "FORBIDDEN", message)
}

func (g *gate) rateLimited(c *call, _ quota) *answer {
	return g.refuse(c, http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "Request Rate Limit Exceeded")
}

func (g *gate) notFound(c *call) *answer {
	return g.refuse(c, http.StatusNotFound, "NOT_FOUND", "Not found")
}

// authenticate follows
// https://www.gate.com/docs/developers/apiv4/en/#apiv4-signed-request-requirements.
// The clock is looked at before the key.
func (g *gate) authenticate(c *call) (*key, *answer) {
	for _, name := range []string{"KEY", "Timestamp", "SIGN"} {
		if c.Header.Get(name) == "" {
			return nil, g.refuse(c, http.StatusBadRequest, "MISSING_REQUIRED_HEADER", "Missing required header: "+name)
		}
	}
	sent, err := strconv.ParseInt(c.Header.Get("Timestamp"), 10, 64)
	if err != nil || c.now.Sub(time.Unix(sent, 0)).Abs() > gateWindow {
		return nil, g.refuse(c, http.StatusForbidden, "REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60")
	}
	caller := g.caller(c)
	if caller == nil {
		return nil, g.refuse(c, http.StatusUnauthorized, "INVALID_KEY", "Invalid key provided")
	}
	signed, err := gateSignedText(c)
	switch {
	case err != nil || !gateVerifies(caller.secret, signed, c.Header.Get("SIGN")):
		return nil, g.refuse(c, http.StatusUnauthorized, "INVALID_SIGNATURE", "Signature mismatch")
	case !caller.allows(c.caller):
		return nil, g.forbidden(c, "Request IP not in whitelist: "+c.caller.String())
	case len(c.body) > 0 && c.Header.Get("Content-Type") != "application/json":
		return nil, g.refuse(c, http.StatusUnsupportedMediaType, "INVALID_CONTENT_TYPE", "Invalid content type")
	}
	return caller, nil
}

// caller finds the calling key, which may be one that was deleted a moment ago.
func (g *gate) caller(c *call) *key {
	if live := c.books.key(c.Header.Get("KEY")); live != nil {
		return live
	}
	g.fading = slices.DeleteFunc(g.fading, func(k fadingKey) bool { return c.documented(k.deleted) >= gateFade })
	for _, k := range g.fading {
		if k.apiKey == c.Header.Get("KEY") {
			return k.key
		}
	}
	return nil
}

// gateSignedText is the text that the caller must have signed: method, path,
// query without percent-encoding, hash of the body, and time.
func gateSignedText(c *call) (string, error) {
	path, query, _ := strings.Cut(c.RequestURI, "?")
	plain, err := url.QueryUnescape(query)
	if err != nil {
		return "", err
	}
	body := sha512.Sum512(c.body)
	return strings.Join([]string{c.Method, path, plain, hex.EncodeToString(body[:]), c.Header.Get("Timestamp")}, "\n"), nil
}

// gateVerifies checks a signature: lower-case hex of HMAC-SHA512.
func gateVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (g *gate) serverTime(c *call) *answer {
	return g.ok(c, http.StatusOK, map[string]int64{"server_time": c.now.UnixMilli()})
}
