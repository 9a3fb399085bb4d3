// Package htx is the simulated HTX.
package htx

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
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// htx plays the spot API of HTX as documented at
// https://huobiapi.github.io/docs/spot/v1/en/. Where the documentation leaves a
// rule open, it does the strictest thing that the documentation allows. Futures
// trading, which HTX serves on hosts of its own, is served here as well.
type htx struct {
	totpSecrets map[string]string // of parent users with an authenticator app, by their ids
	lastSteps   map[string]int64  // the time step of the last one-time code that each has used
}

// Venue is the simulated HTX.
func Venue() venue.Listing { return venue.Listing{Name: "htx", New: newHTX} }

func newHTX() venue.Rules { return &htx{totpSecrets: make(map[string]string)} }

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

func (h *htx) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	parent := books.AddAccount(&venue.Account{ID: venue.RandomNumber(htxUIDDigits), Created: now})
	guarded := books.AddAccount(&venue.Account{ID: venue.RandomNumber(htxUIDDigits), Created: now})
	h.totpSecrets[guarded.ID] = venue.RandomText(32, venue.Base32Alphabet)

	both := []string{htxRead, htxTrade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: parent, Permissions: both, IPs: venue.Loopback()},
		{Kind: "read_only", Account: parent, Permissions: []string{htxRead}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: parent, Permissions: both, Expires: now.Add(htxUnboundLife)},
		{Kind: "withdraw", Account: parent, Permissions: append(slices.Clone(both), htxWithdraw), IPs: venue.Loopback()},
		{Kind: "ed25519", Account: parent, Permissions: both, IPs: venue.Loopback(), Signer: venue.NewEd25519()},
		{Kind: "totp", Account: guarded, Permissions: both, IPs: venue.Loopback(), TOTPSecret: h.totpSecrets[guarded.ID]},
	} {
		root.APIKey, root.Label, root.Created = htxKeyText(), "root", now
		if root.Signer == nil {
			root.Secret = htxKeyText()
		}
		books.AddKey(&root)
	}
}

// Reset lets the one-time codes be used again.
func (h *htx) Reset() { h.lastSteps = make(map[string]int64) }

// htxKeyText draws an access key or a secret.
func htxKeyText() string {
	return strings.Join([]string{venue.RandomText(8, venue.LowerHex), venue.RandomText(8, venue.LowerHex), venue.RandomText(8, venue.LowerHex), venue.RandomText(5, venue.LowerHex)}, "-")
}

func (h *htx) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(htxUIDDigits), Name: "desk" + venue.RandomText(8, venue.Digits), Parent: master, Created: now,
	})
}

// shared is the limit of the endpoints for which none is documented: they are
// taken to share the default.
func (h *htx) shared() []venue.Limit {
	return []venue.Limit{{Quota: 10, Window: time.Second, Bucket: "default"}}
}

func (h *htx) Routes() []venue.Route {
	return []venue.Route{
		{
			Pattern: "GET /v1/common/timestamp", Operation: exchanges.OpServerTime, Public: true, Handle: h.timestamp,
			Limits: []venue.Limit{{Quota: 10, Window: time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /v2/user/uid", Operation: exchanges.OpInspect, Handle: h.uid, Limits: h.shared()},
		{Pattern: "GET /v2/user/api-key", Limits: h.shared(), Choose: h.queryKeys},
		{Pattern: "GET /v2/sub-user/user-list", Operation: exchanges.OpSubAccounts, Permit: h.parentOnly, Handle: h.listSubUsers, Limits: h.shared()},
		{Pattern: "POST /v2/sub-user/management", Operation: venue.OpOther, Permit: h.mayManage, Handle: h.lock, Limits: h.shared()},
		{Pattern: "POST /v2/sub-user/api-key-generation", Operation: exchanges.OpCreateKey, Permit: h.mayManage, Handle: h.createKey, Limits: h.shared()},
		{Pattern: "POST /v2/sub-user/api-key-modification", Operation: exchanges.OpEditKey, Permit: h.mayManage, Handle: h.editKey, Limits: h.shared()},
		{Pattern: "POST /v2/sub-user/api-key-deletion", Operation: exchanges.OpDeleteKey, Permit: h.mayManage, Handle: h.deleteKey, Limits: h.shared()},

		{Pattern: "GET /v1/account/accounts", Operation: exchanges.OpUseKey, Handle: h.accounts},
		{Pattern: "POST /v1/order/orders/place", Operation: exchanges.OpUseKey, Permit: h.mayTrade, Handle: h.placeOrder},
		{Pattern: "POST /linear-swap-api/v1/swap_order", Operation: exchanges.OpUseKey, Permit: h.mayTrade, Handle: h.placeSwapOrder},
		{Pattern: "POST /v2/account/transfer", Operation: exchanges.OpUseKey, Permit: h.mayTrade, Handle: h.transfer},
		{Pattern: "POST /v1/dw/withdraw/api/create", Operation: exchanges.OpUseKey, Permit: h.mayWithdraw, Handle: h.withdraw},
	}
}

// ok answers in the form of version 2. What a list says of its next page stands
// beside the data.
func (h *htx) ok(c *venue.Call, data any, more ...any) *venue.Answer {
	body := map[string]any{"code": http.StatusOK, "data": data}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return h.withQuota(c, venue.JSONAnswer(http.StatusOK, body))
}

// done answers in the form of version 1.
func (h *htx) done(c *venue.Call, data any) *venue.Answer {
	return h.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"status": "ok", "data": data}))
}

// refuse answers with a code of version 2.
func (h *htx) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return h.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"code": code, "message": message}))
}

// bar answers as the gateway does, in the form of version 1 whatever the path.
func (h *htx) bar(c *venue.Call, status int, code, message string) *venue.Answer {
	return h.withQuota(c, venue.JSONAnswer(status, map[string]any{"status": "error", "err-code": code, "err-msg": message, "data": nil}))
}

func (h *htx) withQuota(c *venue.Call, a *venue.Answer) *venue.Answer {
	for _, q := range c.Quotas {
		reset := q.Limit.Window
		if q.Exceeded {
			reset = q.Wait
		}
		a.Set("X-HB-RateLimit-Requests-Remain", strconv.Itoa(max(q.Remaining(), 0)))
		a.Set("X-HB-RateLimit-Requests-Expire", strconv.FormatInt(c.Now.Add(reset).UnixMilli(), 10))
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

func (h *htx) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	if why.Reason == venue.Missing {
		return h.refuse(c, htxFieldMissing, "missing mandatory field: "+why.Param)
	}
	return h.refuse(c, htxInvalidValue, "invalid field value in `"+why.Param+"`")
}

func (h *htx) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return h.bar(c, http.StatusTooManyRequests, "rate-too-many-requests", "Exceeded rate limit")
}

// NotFound tells a known path with another method from an unknown path.
func (h *htx) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range h.Routes() {
		if _, path, _ := strings.Cut(rt.Pattern, " "); path == c.URL.Path {
			return h.bar(c, http.StatusMethodNotAllowed, "method-not-allowed", "Request method '"+c.Method+"' not supported")
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// notValid is the one refusal that has many reasons.
func (h *htx) notValid(c *venue.Call, why string) *venue.Answer {
	return h.bar(c, http.StatusOK, "api-signature-not-valid", "Signature not valid: "+why)
}

// Authenticate follows
// https://huobiapi.github.io/docs/spot/v1/en/#authentication.
func (h *htx) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Method == http.MethodGet && len(c.Body) > 0 {
		return nil, venue.TextAnswer(http.StatusForbidden, "text/plain", "Forbidden\n")
	}
	p := venue.FormParams(c.URL.RawQuery)
	apiKey, method, version := p.Text("AccessKeyId"), p.Text("SignatureMethod"), p.Text("SignatureVersion")
	sent, err := time.Parse("2006-01-02T15:04:05", p.Text("Timestamp"))
	caller := c.Books.Key(apiKey)
	switch {
	case p.Complaint() != nil:
		return nil, h.bar(c, http.StatusOK, "invalid-parameter", p.Complaint().Error())
	case apiKey == "":
		return nil, h.bar(c, http.StatusOK, "login-required", "User not logged in or header missing")
	case err != nil || c.Now.Sub(sent).Abs() > htxWindow:
		return nil, h.notValid(c, "Invalid submission time or incorrect time format [无效的提交时间，或时间格式错误]")
	case caller == nil:
		return nil, h.notValid(c, "Incorrect Access key [Access key错误]")
	case version != "2" || !htxVerifies(caller, method, htxSigned(c, p), p.Text("Signature")):
		return nil, h.notValid(c, "Verification failure [校验失败]")
	case caller.Expired(c.Now):
		return nil, h.notValid(c, "APIkey has expired")
	case !caller.Allows(c.Caller):
		return nil, h.notValid(c, "Incorrect IP address ["+c.Caller.String()+"]")
	}
	return caller, nil
}

// htxSigned is the text that a request's signature covers: the body is no part
// of it.
func htxSigned(c *venue.Call, p *venue.Params) string {
	var pairs []string
	for _, name := range p.Names() {
		if name != "Signature" {
			pairs = append(pairs, htxEscape(name)+"="+htxEscape(p.Text(name)))
		}
	}
	return c.Method + "\n" + strings.ToLower(c.Host) + "\n" + c.URL.Path + "\n" + strings.Join(pairs, "&")
}

// htxEscape encodes a text as UTF-8 with upper-case hex, a space as %20.
func htxEscape(text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		if strings.IndexByte(venue.Alphanumeric+"-._~", b) >= 0 {
			escaped.WriteByte(b)
		} else {
			fmt.Fprintf(&escaped, "%%%02X", b)
		}
	}
	return escaped.String()
}

// htxVerifies checks a signature: base64 of HMAC-SHA256, or of Ed25519.
func htxVerifies(caller *venue.Key, method, signed, signature string) bool {
	if public, ok := caller.PublicKey().(ed25519.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		return method == "Ed25519" && err == nil && ed25519.Verify(public, []byte(signed), raw)
	}
	mac := hmac.New(sha256.New, []byte(caller.Secret))
	mac.Write([]byte(signed))
	return method == "HmacSHA256" && hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// params reads the query of a GET beside what authenticates it.
func (h *htx) params(c *venue.Call) *venue.Params {
	p := venue.FormParams(c.URL.RawQuery)
	for _, name := range []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"} {
		p.Text(name)
	}
	return p
}

func (h *htx) timestamp(c *venue.Call) *venue.Answer { return h.done(c, c.Now.UnixMilli()) }
