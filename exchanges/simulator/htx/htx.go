// Package htx plays the spot API of HTX as documented at
// https://huobiapi.github.io/docs/spot/v1/en/. Where the documentation leaves a
// rule open, it does the strictest thing that the documentation allows. It also
// serves futures trading, which HTX serves on other hosts.
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

// exchange is HTX, with the state that the books do not hold.
type exchange struct {
	totpSecrets map[string]string // of parent users with an authenticator app, by user id
	lastSteps   map[string]int64  // the time step of the last one-time code that each of them used
}

// Venue is the simulated HTX.
func Venue() venue.Listing { return venue.Listing{Name: "htx", New: newRules} }

func newRules() venue.Rules { return &exchange{totpSecrets: make(map[string]string)} }

// HTX's permissions. Keys of sub-users cannot hold the last one.
const (
	read     = "readOnly"
	trade    = "trade"
	withdraw = "withdraw"
)

// window is how far a request's timestamp may be off, either way.
const window = 5 * time.Minute

// unboundLife is how long a key lives if it is bound to no address.
const unboundLife = 90 * 24 * time.Hour

// uidDigits is the number of digits in a user's number.
const uidDigits = 9

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	parent := books.AddAccount(&venue.Account{ID: venue.RandomNumber(uidDigits), Created: now})
	guarded := books.AddAccount(&venue.Account{ID: venue.RandomNumber(uidDigits), Created: now})
	e.totpSecrets[guarded.ID] = venue.RandomText(32, venue.Base32Alphabet)

	both := []string{read, trade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: parent, Permissions: both, IPs: venue.Loopback()},
		{Kind: "read_only", Account: parent, Permissions: []string{read}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: parent, Permissions: both, Expires: now.Add(unboundLife)},
		{Kind: "withdraw", Account: parent, Permissions: append(slices.Clone(both), withdraw), IPs: venue.Loopback()},
		{Kind: "ed25519", Account: parent, Permissions: both, IPs: venue.Loopback(), Signer: venue.NewEd25519()},
		{Kind: "totp", Account: guarded, Permissions: both, IPs: venue.Loopback(), TOTPSecret: e.totpSecrets[guarded.ID]},
	} {
		root.APIKey, root.Label, root.Created = keyText(), "root", now
		if root.Signer == nil {
			root.Secret = keyText()
		}
		books.AddKey(&root)
	}
}

// Reset lets the one-time codes be used again.
func (e *exchange) Reset() { e.lastSteps = make(map[string]int64) }

// keyText draws an access key or a secret.
func keyText() string {
	return strings.Join([]string{venue.RandomText(8, venue.LowerHex), venue.RandomText(8, venue.LowerHex), venue.RandomText(8, venue.LowerHex), venue.RandomText(5, venue.LowerHex)}, "-")
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(uidDigits), Name: "desk" + venue.RandomText(8, venue.Digits), Parent: master, Created: now,
	})
}

// shared is the limit of the endpoints that have no documented one. The
// simulator lets them share the default.
func (e *exchange) shared() []venue.Limit {
	return []venue.Limit{{Quota: 10, Window: time.Second, Bucket: "default"}}
}

func (e *exchange) Routes() []venue.Route {
	return []venue.Route{
		{
			Pattern: "GET /v1/common/timestamp", Operation: exchanges.OpServerTime, Public: true, Handle: e.timestamp,
			Limits: []venue.Limit{{Quota: 10, Window: time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /v2/user/uid", Operation: exchanges.OpInspect, Handle: e.uid, Limits: e.shared()},
		{Pattern: "GET /v2/user/api-key", Limits: e.shared(), Choose: e.queryKeys},
		{Pattern: "GET /v2/sub-user/user-list", Operation: exchanges.OpSubAccounts, Permit: e.parentOnly, Handle: e.listSubUsers, Limits: e.shared()},
		{Pattern: "POST /v2/sub-user/management", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.lock, Limits: e.shared()},
		{Pattern: "POST /v2/sub-user/api-key-generation", Operation: exchanges.OpCreateKey, Permit: e.mayManage, Handle: e.createKey, Limits: e.shared()},
		{Pattern: "POST /v2/sub-user/api-key-modification", Operation: exchanges.OpEditKey, Permit: e.mayManage, Handle: e.editKey, Limits: e.shared()},
		{Pattern: "POST /v2/sub-user/api-key-deletion", Operation: exchanges.OpDeleteKey, Permit: e.mayManage, Handle: e.deleteKey, Limits: e.shared()},

		{Pattern: "GET /v1/account/accounts", Operation: exchanges.OpUseKey, Handle: e.accounts},
		{Pattern: "GET /v1/account/accounts/{account}/balance", Operation: exchanges.OpUseKey, Handle: e.balance},
		{Pattern: "GET /v1/order/openOrders", Operation: exchanges.OpUseKey, Handle: e.openOrders},
		{Pattern: "POST /v1/order/orders/{order}/submitcancel", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.cancelOrder},
		{Pattern: "POST /v1/order/orders/place", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.placeOrder},
		{Pattern: "POST /linear-swap-api/v1/swap_order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.placeSwapOrder},
		{Pattern: "POST /v2/account/transfer", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.transfer},
		{Pattern: "POST /v1/dw/withdraw/api/create", Operation: exchanges.OpUseKey, Permit: e.mayWithdraw, Handle: e.withdraw},
	}
}

// ok answers in the form of version 2. The position of a list's next page
// stands beside the data.
func (e *exchange) ok(c *venue.Call, data any, more ...any) *venue.Answer {
	body := map[string]any{"code": number(c, http.StatusOK), "data": data}
	if c.Weather(answerForm) == newer {
		body["ok"], body["success"], body["message"] = true, true, "success"
	}
	for i := 0; i+1 < len(more); i += 2 {
		body[more[i].(string)] = more[i+1]
	}
	return e.withQuota(c, venue.JSONAnswer(http.StatusOK, body))
}

// done answers in the form of version 1.
func (e *exchange) done(c *venue.Call, data any) *venue.Answer {
	return e.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"status": "ok", "data": data}))
}

// refuse answers with a code of version 2.
func (e *exchange) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return e.withQuota(c, venue.JSONAnswer(http.StatusOK, map[string]any{"code": code, "message": message}))
}

// bar answers as the gateway does: in the form of version 1, whatever the path.
func (e *exchange) bar(c *venue.Call, status int, code, message string) *venue.Answer {
	return e.withQuota(c, venue.JSONAnswer(status, map[string]any{"status": "error", "err-code": code, "err-msg": message, "data": nil}))
}

func (e *exchange) withQuota(c *venue.Call, a *venue.Answer) *venue.Answer {
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
	unauthorized = 1002
	invalidValue = 2002
	fieldMissing = 2003
	tooManyKeys  = 2014
	lockConflict = 2016
)

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	if why.Reason == venue.Missing {
		return e.refuse(c, fieldMissing, "missing mandatory field: "+why.Param)
	}
	return e.refuse(c, invalidValue, "invalid field value in `"+why.Param+"`")
}

func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.bar(c, http.StatusTooManyRequests, "rate-too-many-requests", "Exceeded rate limit")
}

// NotFound answers differently for a path that exists for another method and
// for one that does not exist.
func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range e.Routes() {
		if _, path, _ := strings.Cut(rt.Pattern, " "); path == c.URL.Path {
			return e.bar(c, http.StatusMethodNotAllowed, "method-not-allowed", "Request method '"+c.Method+"' not supported")
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// notValid is the one refusal with several reasons.
func (e *exchange) notValid(c *venue.Call, why string) *venue.Answer {
	return e.bar(c, http.StatusOK, "api-signature-not-valid", "Signature not valid: "+why)
}

// Authenticate follows
// https://huobiapi.github.io/docs/spot/v1/en/#authentication.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Method == http.MethodGet && len(c.Body) > 0 {
		return nil, venue.TextAnswer(http.StatusForbidden, "text/plain", "Forbidden\n")
	}
	p := venue.FormParams(c.URL.RawQuery)
	apiKey, method, version := p.Text("AccessKeyId"), p.Text("SignatureMethod"), p.Text("SignatureVersion")
	sent, err := time.Parse("2006-01-02T15:04:05", p.Text("Timestamp"))
	caller := c.Books.Key(apiKey)
	switch {
	case p.Complaint() != nil:
		return nil, e.bar(c, http.StatusOK, "invalid-parameter", p.Complaint().Error())
	case apiKey == "":
		return nil, e.bar(c, http.StatusOK, "login-required", "User not logged in or header missing")
	case err != nil || c.Now.Sub(sent).Abs() > window:
		return nil, e.notValid(c, "Invalid submission time or incorrect time format [无效的提交时间，或时间格式错误]")
	case caller == nil:
		return nil, e.notValid(c, "Incorrect Access key [Access key错误]")
	case version != "2" || !verifies(caller, method, signed(c, p), p.Text("Signature")):
		return nil, e.notValid(c, "Verification failure [校验失败]")
	case caller.Expired(c.Now):
		return nil, e.notValid(c, "APIkey has expired")
	case !caller.Allows(c.Caller):
		return nil, e.notValid(c, "Incorrect IP address ["+c.Caller.String()+"]")
	}
	return caller, nil
}

// signed is the text that a request's signature covers. The body is not part of
// it.
func signed(c *venue.Call, p *venue.Params) string {
	var pairs []string
	for _, name := range p.Names() {
		if name != "Signature" {
			pairs = append(pairs, escape(name)+"="+escape(p.Text(name)))
		}
	}
	return c.Method + "\n" + strings.ToLower(c.Host) + "\n" + c.URL.Path + "\n" + strings.Join(pairs, "&")
}

// escape encodes a text as UTF-8 with upper-case hex, and a space as %20.
func escape(text string) string {
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

// verifies checks a signature: base64 of HMAC-SHA256, or of Ed25519.
func verifies(caller *venue.Key, method, plain, signature string) bool {
	if public, ok := caller.PublicKey().(ed25519.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		return method == "Ed25519" && err == nil && ed25519.Verify(public, []byte(plain), raw)
	}
	mac := hmac.New(sha256.New, []byte(caller.Secret))
	mac.Write([]byte(plain))
	return method == "HmacSHA256" && hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// params reads the query of a GET, without the parameters that authenticate it.
func (e *exchange) params(c *venue.Call) *venue.Params {
	p := venue.FormParams(c.URL.RawQuery)
	for _, name := range []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"} {
		p.Text(name)
	}
	return p
}

func (e *exchange) timestamp(c *venue.Call) *venue.Answer { return e.done(c, c.Now.UnixMilli()) }
