package simulator

import (
	"crypto"
	"crypto/ed25519"
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

// htx plays the spot API of HTX as documented at
// https://huobiapi.github.io/docs/spot/v1/en/. Where the documentation leaves a
// rule open, it does the strictest thing that the documentation allows. Futures
// trading, which HTX serves on hosts of its own, is served here as well.
type htx struct {
	totpSecrets map[string]string // of parent users with an authenticator app, by their ids
	lastSteps   map[string]int64  // the time step of the last one-time code that each has used
}

func newHTX() rules { return &htx{totpSecrets: make(map[string]string)} }

// HTX's permissions. Keys of sub-users cannot hold the last one.
const (
	htxRead     = "readOnly"
	htxTrade    = "trade"
	htxWithdraw = "withdraw"
)

// htxWindow is how far a request's timestamp may be off, either way.
const htxWindow = 5 * time.Minute

// htxUnboundLife is how long a key lives that is bound to no address.
const htxUnboundLife = 90 * 24 * time.Hour

// htxUIDDigits is how long the numbers of users are.
const htxUIDDigits = 9

func (h *htx) seed(books *books, now time.Time, _ func() crypto.Signer) {
	parent := books.addAccount(&account{id: randomNumber(htxUIDDigits), created: now})
	guarded := books.addAccount(&account{id: randomNumber(htxUIDDigits), created: now})
	h.totpSecrets[guarded.id] = randomText(32, base32Alphabet)

	both := []string{htxRead, htxTrade}
	for _, root := range []key{
		{kind: mainRoot, account: parent, permissions: both, ips: loopback()},
		{kind: "read_only", account: parent, permissions: []string{htxRead}, ips: loopback()},
		{kind: "unbound", account: parent, permissions: both, expires: now.Add(htxUnboundLife)},
		{kind: "withdraw", account: parent, permissions: append(slices.Clone(both), htxWithdraw), ips: loopback()},
		{kind: "ed25519", account: parent, permissions: both, ips: loopback(), signer: newEd25519()},
		{kind: "totp", account: guarded, permissions: both, ips: loopback(), totpSecret: h.totpSecrets[guarded.id]},
	} {
		root.apiKey, root.label, root.created = htxKeyText(), "root", now
		if root.signer == nil {
			root.secret = htxKeyText()
		}
		books.addKey(&root)
	}
}

// reset lets the one-time codes be used again.
func (h *htx) reset() { h.lastSteps = make(map[string]int64) }

// htxKeyText draws an access key or a secret.
func htxKeyText() string {
	return strings.Join([]string{randomText(8, lowerHex), randomText(8, lowerHex), randomText(8, lowerHex), randomText(5, lowerHex)}, "-")
}

func (h *htx) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: randomNumber(htxUIDDigits), name: "desk" + randomText(8, digits), parent: master, created: now,
	})
}

// shared is the limit of the endpoints for which none is documented: they are
// taken to share the default.
func (h *htx) shared() []limit {
	return []limit{{quota: 10, window: time.Second, bucket: "default"}}
}

func (h *htx) routes() []route {
	return []route{
		{
			pattern: "GET /v1/common/timestamp", operation: exchanges.OpServerTime, public: true, handle: h.timestamp,
			limits: []limit{{quota: 10, window: time.Second, by: perAddress}},
		},
		{pattern: "GET /v2/user/uid", operation: exchanges.OpInspect, handle: h.uid, limits: h.shared()},
		{pattern: "GET /v2/user/api-key", limits: h.shared(), choose: h.queryKeys},
		{pattern: "GET /v2/sub-user/user-list", operation: exchanges.OpSubAccounts, permit: h.parentOnly, handle: h.listSubUsers, limits: h.shared()},
		{pattern: "POST /v2/sub-user/management", operation: opOther, permit: h.mayManage, handle: h.lock, limits: h.shared()},
		{pattern: "POST /v2/sub-user/api-key-generation", operation: exchanges.OpCreateKey, permit: h.mayManage, handle: h.createKey, limits: h.shared()},
		{pattern: "POST /v2/sub-user/api-key-modification", operation: exchanges.OpEditKey, permit: h.mayManage, handle: h.editKey, limits: h.shared()},
		{pattern: "POST /v2/sub-user/api-key-deletion", operation: exchanges.OpDeleteKey, permit: h.mayManage, handle: h.deleteKey, limits: h.shared()},

		{pattern: "GET /v1/account/accounts", operation: exchanges.OpUseKey, handle: h.accounts},
		{pattern: "POST /v1/order/orders/place", operation: exchanges.OpUseKey, permit: h.mayTrade, handle: h.placeOrder},
		{pattern: "POST /linear-swap-api/v1/swap_order", operation: exchanges.OpUseKey, permit: h.mayTrade, handle: h.placeSwapOrder},
		{pattern: "POST /v2/account/transfer", operation: exchanges.OpUseKey, permit: h.mayTrade, handle: h.transfer},
		{pattern: "POST /v1/dw/withdraw/api/create", operation: exchanges.OpUseKey, permit: h.mayWithdraw, handle: h.withdraw},
	}
}

// ok answers in the form of version 2. What a list says of its next page stands
// beside the data.
func (h *htx) ok(c *call, data any, more ...any) *answer {
	body := map[string]any{"code": http.StatusOK, "data": data}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return h.withQuota(c, jsonAnswer(http.StatusOK, body))
}

// done answers in the form of version 1.
func (h *htx) done(c *call, data any) *answer {
	return h.withQuota(c, jsonAnswer(http.StatusOK, map[string]any{"status": "ok", "data": data}))
}

// refuse answers with a code of version 2.
func (h *htx) refuse(c *call, code int, message string) *answer {
	return h.withQuota(c, jsonAnswer(http.StatusOK, map[string]any{"code": code, "message": message}))
}

// bar answers as the gateway does, in the form of version 1 whatever the path.
func (h *htx) bar(c *call, status int, code, message string) *answer {
	return h.withQuota(c, jsonAnswer(status, map[string]any{"status": "error", "err-code": code, "err-msg": message, "data": nil}))
}

func (h *htx) withQuota(c *call, a *answer) *answer {
	for _, q := range c.quotas {
		reset := q.limit.window
		if q.exceeded {
			reset = q.wait
		}
		a.set("X-HB-RateLimit-Requests-Remain", strconv.Itoa(max(q.remaining(), 0)))
		a.set("X-HB-RateLimit-Requests-Expire", strconv.FormatInt(c.now.Add(reset).UnixMilli(), 10))
	}
	return a
}

// HTX's codes of version 2.
const (
	htxUnauthorized = 1002
	htxInvalidValue = 2002
	htxFieldMissing = 2003
	htxTooManyKeys  = 2014
	htxLockConflict = 2016
)

func (h *htx) badParameter(c *call, why *complaint) *answer {
	if why.reason == missing {
		return h.refuse(c, htxFieldMissing, "missing mandatory field: "+why.param)
	}
	return h.refuse(c, htxInvalidValue, "invalid field value in `"+why.param+"`")
}

func (h *htx) rateLimited(c *call, _ quota) *answer {
	return h.bar(c, http.StatusTooManyRequests, "rate-too-many-requests", "Exceeded rate limit")
}

// notFound tells a known path with another method from an unknown path.
func (h *htx) notFound(c *call) *answer {
	for _, rt := range h.routes() {
		if _, path, _ := strings.Cut(rt.pattern, " "); path == c.URL.Path {
			return h.bar(c, http.StatusMethodNotAllowed, "method-not-allowed", "Request method '"+c.Method+"' not supported")
		}
	}
	return textAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// notValid is the one refusal that has many reasons.
func (h *htx) notValid(c *call, why string) *answer {
	return h.bar(c, http.StatusOK, "api-signature-not-valid", "Signature not valid: "+why)
}

// authenticate follows
// https://huobiapi.github.io/docs/spot/v1/en/#authentication.
func (h *htx) authenticate(c *call) (*key, *answer) {
	if c.Method == http.MethodGet && len(c.body) > 0 {
		return nil, textAnswer(http.StatusForbidden, "text/plain", "Forbidden\n")
	}
	p := formParams(c.URL.RawQuery)
	apiKey, method, version := p.text("AccessKeyId"), p.text("SignatureMethod"), p.text("SignatureVersion")
	sent, err := time.Parse("2006-01-02T15:04:05", p.text("Timestamp"))
	caller := c.books.key(apiKey)
	switch {
	case p.complaint() != nil:
		return nil, h.bar(c, http.StatusOK, "invalid-parameter", p.complaint().Error())
	case apiKey == "":
		return nil, h.bar(c, http.StatusOK, "login-required", "User not logged in or header missing")
	case err != nil || c.now.Sub(sent).Abs() > htxWindow:
		return nil, h.notValid(c, "Invalid submission time or incorrect time format [无效的提交时间，或时间格式错误]")
	case caller == nil:
		return nil, h.notValid(c, "Incorrect Access key [Access key错误]")
	case version != "2" || !htxVerifies(caller, method, htxSigned(c, p), p.text("Signature")):
		return nil, h.notValid(c, "Verification failure [校验失败]")
	case caller.expired(c.now):
		return nil, h.notValid(c, "APIkey has expired")
	case !caller.allows(c.caller):
		return nil, h.notValid(c, "Incorrect IP address ["+c.caller.String()+"]")
	}
	return caller, nil
}

// htxSigned is the text that a request's signature covers: the body is no part
// of it.
func htxSigned(c *call, p *params) string {
	var pairs []string
	for _, name := range p.names() {
		if name != "Signature" {
			pairs = append(pairs, htxEscape(name)+"="+htxEscape(p.text(name)))
		}
	}
	return c.Method + "\n" + strings.ToLower(c.Host) + "\n" + c.URL.Path + "\n" + strings.Join(pairs, "&")
}

// htxEscape encodes a text as UTF-8 with upper-case hex, a space as %20.
func htxEscape(text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		if strings.IndexByte(alphanumeric+"-._~", b) >= 0 {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}

// htxVerifies checks a signature: base64 of HMAC-SHA256, or of Ed25519.
func htxVerifies(caller *key, method, signed, signature string) bool {
	if public, ok := caller.publicKey().(ed25519.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		return method == "Ed25519" && err == nil && ed25519.Verify(public, []byte(signed), raw)
	}
	mac := hmac.New(sha256.New, []byte(caller.secret))
	mac.Write([]byte(signed))
	return method == "HmacSHA256" && hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// params reads the query of a GET beside what authenticates it.
func (h *htx) params(c *call) *params {
	p := formParams(c.URL.RawQuery)
	for _, name := range []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"} {
		p.text(name)
	}
	return p
}

func (h *htx) timestamp(c *call) *answer { return h.done(c, c.now.UnixMilli()) }
