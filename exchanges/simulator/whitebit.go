package simulator

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// whitebit plays the API v4 of WhiteBIT as documented at
// https://docs.whitebit.com/. Where the documentation leaves a rule open, it
// does the strictest thing that the documentation allows.
type whitebit struct {
	// nonces are those used of each key, by api key.
	nonces map[string]*whitebitNonces
}

// whitebitNonces are the nonces of one key: the greatest, and those that still
// lie in the window.
type whitebitNonces struct {
	greatest int64
	recent   map[int64]bool
}

func newWhiteBIT() rules { return &whitebit{nonces: map[string]*whitebitNonces{}} }

func (w *whitebit) reset() { w.nonces = map[string]*whitebitNonces{} }

// whitebitWindow is how far a nonce may be off with nonceWindow, either way.
const whitebitWindow = 5 * time.Second

// whitebitManage is what a root must hold to manage sub-accounts. It is no
// endpoint, and no answer shows it.
const whitebitManage = "(manage sub-accounts)"

const whitebitBlocked = "blocked"

func (w *whitebit) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: randomUUID(), created: now})
	for _, root := range []key{
		{kind: mainRoot, permissions: []string{whitebitManage}, ips: loopback()},
		{kind: "no_right", ips: loopback()},
	} {
		root.id, root.apiKey, root.secret = randomUUID(), randomText(32, lowerHex), randomText(32, lowerHex)
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

func (w *whitebit) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{id: randomUUID(), name: "desk_" + randomText(8, digits), parent: master, created: now})
}

func (w *whitebit) routes() []route {
	const prefix, keys = "POST /api/v4/", "POST /api/v4/sub-account/api-key/"
	limits := []limit{{quota: 1000, window: 10 * time.Second, by: perAccount}}
	manage := func(pattern string, operation exchanges.Operation, handle func(*call) *answer) route {
		return route{pattern: pattern, operation: operation, permit: w.mayManage, handle: handle, limits: limits}
	}
	all := []route{
		{
			pattern: "GET /api/v4/public/time", operation: exchanges.OpServerTime, public: true, handle: w.serverTime,
			limits: []limit{{quota: 2000, window: 10 * time.Second, by: perAddress}},
		},
		{pattern: prefix + "sub-account/list", choose: func(c *call) route {
			operation := exchanges.OpSubAccounts
			if jsonParams(c.body).integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the least that shows its right.
			}
			return manage(prefix+"sub-account/list", operation, w.listSubAccounts)
		}},
		manage(prefix+"sub-account/create", opOther, w.createSubAccount),
		manage(prefix+"sub-account/block", opOther, w.block(true)),
		manage(prefix+"sub-account/unblock", opOther, w.block(false)),

		manage(keys+"create", exchanges.OpCreateKey, w.createKey),
		manage(keys+"edit", exchanges.OpEditKey, w.editKey),
		manage(keys+"list", exchanges.OpListKeys, w.listKeys),
		manage(keys+"delete", exchanges.OpDeleteKey, w.deleteKey),
		manage(keys+"ip-address/list", opOther, w.listAddresses),
		manage(keys+"ip-address/create", exchanges.OpEditKey, w.addAddress),
		manage(keys+"ip-address/delete", exchanges.OpEditKey, w.removeAddress),
	}
	for _, use := range []struct {
		path   string
		handle func(*call) *answer
	}{
		{"trade-account/balance", w.balances},
		{"order/new", w.order},
		{"order/collateral/limit", w.order},
		{"order/cancel", w.done("market", "orderId")},
		{"main-account/transfer", w.done("ticker", "amount", "from", "to")},
		{"main-account/withdraw", w.done("ticker", "amount", "address", "uniqueId")},
		{"profile/websocket_token", w.webSocketToken},
	} {
		all = append(all, route{pattern: prefix + use.path, operation: exchanges.OpUseKey, permit: w.mayUse, handle: use.handle, limits: limits})
	}
	return all
}

func (w *whitebit) ok(status int, body any) *answer { return jsonAnswer(status, body) }

// refuse builds a failure. Codes repeat across meanings.
func (w *whitebit) refuse(status, code int, message string) *answer {
	return jsonAnswer(status, map[string]any{"code": code, "message": message, "errors": map[string]any{}})
}

func (w *whitebit) badParameter(why *complaint) *answer {
	rule := "validation.invalid"
	if why.reason == missing {
		rule = "validation.required"
	}
	return jsonAnswer(http.StatusBadRequest, map[string]any{
		"code": 0, "message": "Validation failed", "errors": map[string][]string{why.param: {rule}},
	})
}

func (w *whitebit) unauthorized(code int, message string) *answer {
	return w.refuse(http.StatusUnauthorized, code, message)
}

func (w *whitebit) forbidden() *answer {
	return w.refuse(http.StatusForbidden, 4, "You don't have permission to use this endpoint.")
}

func (w *whitebit) rateLimited(*call, quota) *answer {
	return w.refuse(http.StatusTooManyRequests, 0, "Too many requests.")
}

func (w *whitebit) notFound(*call) *answer {
	return w.refuse(http.StatusNotFound, 0, "Not found")
}

// authenticate follows the section "Authentication": headers and signature
// first, then what the body repeats. The documentation does not tell the HTTP
// status of these refusals.
func (w *whitebit) authenticate(c *call) (*key, *answer) {
	payload := c.Header.Get("X-TXC-PAYLOAD")
	if payload == "" {
		return nil, w.unauthorized(9, "Payload not provided.")
	}
	caller := c.books.key(c.Header.Get("X-TXC-APIKEY"))
	if caller == nil || !whitebitVerifies(caller.secret, payload, c.Header.Get("X-TXC-SIGNATURE")) {
		return nil, w.unauthorized(10, "Unauthorized request.")
	}
	var replay struct {
		Request     string          `json:"request"`
		Nonce       json.RawMessage `json:"nonce"`
		NonceWindow json.RawMessage `json:"nonceWindow"`
	}
	if payload != base64.StdEncoding.EncodeToString(c.body) || json.Unmarshal(c.body, &replay) != nil {
		return nil, w.unauthorized(9, "Invalid payload")
	}
	switch window := string(replay.NonceWindow); {
	case replay.Request == "":
		return nil, w.unauthorized(0, "Request not provided.")
	case replay.Request != c.URL.Path:
		return nil, w.unauthorized(9, "Invalid payload")
	case len(replay.Nonce) == 0:
		return nil, w.unauthorized(0, "Nonce not provided.")
	case window != "" && window != "true" && window != "false":
		return nil, w.unauthorized(0, "Invalid nonceWindow.")
	}
	if refusal := w.useNonce(c, caller, replay.Nonce, string(replay.NonceWindow) == "true"); refusal != nil {
		return nil, refusal
	}
	if !caller.allows(c.caller) {
		return nil, w.unauthorized(2, "This action is unauthorized. Enable your key in API settings")
	}
	return caller, nil
}

// useNonce takes a nonce of the key, a number or the same in quotes, if it is
// good: greater than every earlier one, or with a window new and in time. That
// a nonce is too late has no text of its own in the documentation.
func (w *whitebit) useNonce(c *call, caller *key, text json.RawMessage, window bool) *answer {
	nonce, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	if err != nil {
		return w.unauthorized(0, "Nonce not provided.")
	}
	used := w.nonces[caller.apiKey]
	if used == nil {
		used = &whitebitNonces{recent: map[int64]bool{}}
		w.nonces[caller.apiKey] = used
	}
	now := c.now.UnixMilli()
	for old := range used.recent {
		if old < now-2*whitebitWindow.Milliseconds() {
			delete(used.recent, old)
		}
	}
	switch {
	case window && time.Duration(max(nonce-now, now-nonce))*time.Millisecond > whitebitWindow:
		return w.unauthorized(0, "Your nonce is more than 5 seconds lesser than the current nonce")
	case window && used.recent[nonce], !window && nonce <= used.greatest:
		return w.unauthorized(0, "Too many requests.")
	}
	used.greatest = max(used.greatest, nonce)
	used.recent[nonce] = true
	return nil
}

// whitebitVerifies checks a signature: lower-case hex of HMAC-SHA512.
func whitebitVerifies(secret, payload, signature string) bool {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(payload))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// parameters reads the body without the replay fields.
func (w *whitebit) parameters(c *call) *params {
	p := jsonParams(c.body)
	p.ignore("request", "nonce", "nonceWindow")
	return p
}

// mayManage permits a key of the main account that may manage sub-accounts.
func (w *whitebit) mayManage(c *call) *answer {
	if c.key.account.parent != nil || !c.key.has(whitebitManage) {
		return w.forbidden()
	}
	return nil
}

// mayUse permits keys for which the endpoint is on.
func (w *whitebit) mayUse(c *call) *answer {
	if c.key.account.frozen || !c.key.has(c.URL.Path) {
		return w.forbidden()
	}
	return nil
}

func (w *whitebit) serverTime(c *call) *answer {
	return w.ok(http.StatusOK, map[string]int64{"time": c.now.Unix()})
}
