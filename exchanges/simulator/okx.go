package simulator

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// okx plays the V5 API of OKX as documented at https://www.okx.com/docs-v5/en/.
// Where the documentation leaves a rule open, it does the strictest thing that
// the documentation allows.
type okx struct {
	demoMaster string // id of the master account that exists in demo trading
}

func newOKX() rules { return &okx{} }

// OKX's permissions. Keys of sub-accounts cannot hold the last one.
const (
	okxRead     = "read_only"
	okxTrade    = "trade"
	okxWithdraw = "withdraw"
)

// okxWindow is how far a request's timestamp may be off, either way.
const okxWindow = 30 * time.Second

// okxIdleLife is how long a key lives unused that can trade and is bound to no
// address (https://www.okx.com/docs-v5/en/#overview-generating-an-apikey).
const okxIdleLife = 14 * 24 * time.Hour

const okxTimestampLayout = "2006-01-02T15:04:05.999Z"

func (o *okx) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(17), created: now})
	demo := books.addAccount(&account{id: randomNumber(17), created: now})
	o.demoMaster = demo.id
	both := []string{okxRead, okxTrade}
	for _, root := range []key{
		{kind: mainRoot, account: master, permissions: both, ips: loopback()},
		{kind: "read_only", account: master, permissions: []string{okxRead}, ips: loopback()},
		{kind: "unbound", account: master, permissions: both, expires: now.Add(okxIdleLife)},
		{kind: "withdraw", account: master, permissions: append(slices.Clone(both), okxWithdraw), ips: loopback()},
		{kind: "demo", account: demo, permissions: both, ips: loopback()},
	} {
		root.apiKey, root.secret = randomUUID(), randomText(32, upperHex)
		root.passphrase = "Root#" + randomText(12, alphanumeric) + "1aA"
		root.label, root.created = "root", now
		books.addKey(&root)
	}
}

// addSubAccount gives every sub-account a millisecond of its own, as OKX does,
// which creates no more than one per second: lists are paged by that time.
func (o *okx) addSubAccount(books *books, now time.Time, master *account) *account {
	created := now.Truncate(time.Millisecond)
	if subs := books.subAccounts(master); len(subs) > 0 {
		if next := subs[len(subs)-1].created.Add(time.Millisecond); created.Before(next) {
			created = next
		}
	}
	return books.addAccount(&account{
		id: "sub" + randomText(12, digits) + "desk", name: randomNumber(18), parent: master, created: created,
	})
}

func (o *okx) routes() []route {
	per := func(window time.Duration, quota int) []limit { return []limit{{quota: quota, window: window}} }
	const subAccount = "/api/v5/users/subaccount/"
	return []route{
		{
			pattern: "GET /api/v5/public/time", operation: exchanges.OpServerTime, public: true, handle: o.serverTime,
			limits: []limit{{quota: 10, window: 2 * time.Second, by: perAddress}},
		},
		{pattern: "GET /api/v5/account/config", operation: exchanges.OpInspect, permit: o.mayRead, handle: o.config, limits: per(2*time.Second, 5)},

		// The documentation has said both 2 and 20 of this limit.
		{pattern: "GET " + subAccount + "list", operation: exchanges.OpSubAccounts, permit: o.mayList, handle: o.listSubAccounts, limits: per(2*time.Second, 2)},
		{pattern: "POST " + subAccount + "create-subaccount", operation: opOther, permit: o.mayManage, handle: o.createSubAccount, limits: per(time.Second, 1)},

		{pattern: "POST " + subAccount + "apikey", operation: exchanges.OpCreateKey, permit: o.mayManage, handle: o.createKey, limits: per(time.Second, 1)},
		{pattern: "GET " + subAccount + "apikey", operation: exchanges.OpListKeys, permit: o.mayList, handle: o.listKeys, limits: per(2*time.Second, 20)},
		{pattern: "POST " + subAccount + "modify-apikey", operation: exchanges.OpEditKey, permit: o.mayManage, handle: o.editKey, limits: per(time.Second, 1)},
		{pattern: "POST " + subAccount + "delete-apikey", operation: exchanges.OpDeleteKey, permit: o.mayManage, handle: o.deleteKey, limits: per(time.Second, 1)},

		{pattern: "GET /api/v5/account/balance", operation: exchanges.OpUseKey, permit: o.mayRead, handle: o.balance},
		{pattern: "POST /api/v5/trade/order", operation: exchanges.OpUseKey, permit: o.mayTrade, handle: o.order},
		{pattern: "POST /api/v5/asset/transfer", operation: exchanges.OpUseKey, permit: o.mayTrade, handle: o.transfer},
		{pattern: "POST /api/v5/asset/withdrawal", operation: exchanges.OpUseKey, permit: o.mayWithdraw, handle: o.withdraw},
	}
}

// ok builds an answer; even a single result comes in a list.
func (o *okx) ok(results ...any) *answer {
	return jsonAnswer(http.StatusOK, map[string]any{"code": "0", "msg": "", "data": append([]any{}, results...)})
}

// refuse builds the documented answer for a code. Before a key is authenticated
// it has no data.
func (o *okx) refuse(c *call, code string, params ...any) *answer {
	status, message := okxError(code)
	body := map[string]any{"code": code, "msg": fmt.Sprintf(message, params...)}
	if c.key != nil {
		body["data"] = []any{}
	}
	return jsonAnswer(status, body)
}

func (o *okx) badParameter(c *call, why *complaint) *answer {
	switch why.reason {
	case missing:
		return o.refuse(c, okxParameterMissing, why.param)
	case malformed:
		return o.refuse(c, okxBadJSON)
	default:
		return o.refuse(c, okxParameterWrong, why.param)
	}
}

func (o *okx) rateLimited(c *call, _ quota) *answer { return o.refuse(c, okxTooManyRequests) }

// notFound tells a known path with another method from an unknown path.
func (o *okx) notFound(c *call) *answer {
	for _, rt := range o.routes() {
		if _, path, _ := strings.Cut(rt.pattern, " "); path == c.URL.Path {
			return o.refuse(c, okxWrongMethod)
		}
	}
	return textAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// authenticate follows
// https://www.okx.com/docs-v5/en/#overview-rest-authentication.
func (o *okx) authenticate(c *call) (*key, *answer) {
	for _, required := range []struct{ header, code string }{
		{"OK-ACCESS-KEY", okxNoKey}, {"OK-ACCESS-PASSPHRASE", okxNoPassphrase},
		{"OK-ACCESS-SIGN", okxNoSignature}, {"OK-ACCESS-TIMESTAMP", okxNoTimestamp},
	} {
		if c.Header.Get(required.header) == "" {
			return nil, o.refuse(c, required.code)
		}
	}
	timestamp := c.Header.Get("OK-ACCESS-TIMESTAMP")
	sent, err := time.Parse(okxTimestampLayout, timestamp)
	if err != nil {
		return nil, o.refuse(c, okxBadTimestamp)
	}
	caller := c.books.key(c.Header.Get("OK-ACCESS-KEY"))
	switch {
	case c.now.Sub(sent).Abs() > okxWindow:
		return nil, o.refuse(c, okxExpiredTimestamp)
	case caller == nil || caller.expired(c.now):
		return nil, o.refuse(c, okxUnknownKey)
	case o.inDemo(caller) != (c.Header.Get("x-simulated-trading") == "1"):
		return nil, o.refuse(c, okxOtherEnvironment)
	case c.Header.Get("OK-ACCESS-PASSPHRASE") != caller.passphrase:
		return nil, o.refuse(c, okxWrongPassphrase)
	case !okxVerifies(caller.secret, timestamp+c.Method+c.RequestURI+string(c.body), c.Header.Get("OK-ACCESS-SIGN")):
		return nil, o.refuse(c, okxBadSignature)
	case !caller.allows(c.caller):
		return nil, o.refuse(c, okxUnboundAddress, c.caller)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, o.refuse(c, okxBadContentType)
	case c.Method == http.MethodPost && len(c.body) == 0:
		return nil, o.refuse(c, okxNoBody)
	}
	o.renew(caller, c.now)
	return caller, nil
}

// okxVerifies checks a signature: base64 of HMAC-SHA256.
func okxVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// renew begins a key's idle time anew: it has been used, or its rights or
// addresses have changed.
func (o *okx) renew(k *key, now time.Time) {
	k.expires = time.Time{}
	if len(k.ips) == 0 && k.has(okxTrade, okxWithdraw) {
		k.expires = now.Add(okxIdleLife)
	}
}

func (o *okx) inDemo(k *key) bool { return k.account.id == o.demoMaster }

func (o *okx) serverTime(c *call) *answer { return o.ok(map[string]string{"ts": okxTime(c.now)}) }

func okxTime(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
