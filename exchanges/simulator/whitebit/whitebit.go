// Package whitebit is the simulated WhiteBIT.
package whitebit

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
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
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

// Venue is the simulated WhiteBIT.
func Venue() venue.Listing { return venue.Listing{Name: "whitebit", New: newWhiteBIT} }

func newWhiteBIT() venue.Rules { return &whitebit{nonces: map[string]*whitebitNonces{}} }

func (w *whitebit) Reset() { w.nonces = map[string]*whitebitNonces{} }

// whitebitWindow is how far a nonce may be off with nonceWindow, either way.
const whitebitWindow = 5 * time.Second

// whitebitManage is what a root must hold to manage sub-accounts. It is no
// endpoint, and no answer shows it.
const whitebitManage = "(manage sub-accounts)"

const whitebitBlocked = "blocked"

func (w *whitebit) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomUUID(), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: []string{whitebitManage}, IPs: venue.Loopback()},
		{Kind: "no_right", IPs: venue.Loopback()},
	} {
		root.ID, root.APIKey, root.Secret = venue.RandomUUID(), venue.RandomText(32, venue.LowerHex), venue.RandomText(32, venue.LowerHex)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (w *whitebit) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{ID: venue.RandomUUID(), Name: "desk_" + venue.RandomText(8, venue.Digits), Parent: master, Created: now})
}

func (w *whitebit) Routes() []venue.Route {
	const prefix, keys = "POST /api/v4/", "POST /api/v4/sub-account/api-key/"
	limits := []venue.Limit{{Quota: 1000, Window: 10 * time.Second, By: venue.PerAccount}}
	manage := func(pattern string, operation exchanges.Operation, handle func(*venue.Call) *venue.Answer) venue.Route {
		return venue.Route{Pattern: pattern, Operation: operation, Permit: w.mayManage, Handle: handle, Limits: limits}
	}
	all := []venue.Route{
		{
			Pattern: "GET /api/v4/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: w.serverTime,
			Limits: []venue.Limit{{Quota: 2000, Window: 10 * time.Second, By: venue.PerAddress}},
		},
		{Pattern: prefix + "sub-account/list", Choose: func(c *venue.Call) venue.Route {
			operation := exchanges.OpSubAccounts
			if venue.JSONParams(c.Body).Integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the least that shows its right.
			}
			return manage(prefix+"sub-account/list", operation, w.listSubAccounts)
		}},
		manage(prefix+"sub-account/create", venue.OpOther, w.createSubAccount),
		manage(prefix+"sub-account/block", venue.OpOther, w.block(true)),
		manage(prefix+"sub-account/unblock", venue.OpOther, w.block(false)),

		manage(keys+"create", exchanges.OpCreateKey, w.createKey),
		manage(keys+"edit", exchanges.OpEditKey, w.editKey),
		manage(keys+"list", exchanges.OpListKeys, w.listKeys),
		manage(keys+"delete", exchanges.OpDeleteKey, w.deleteKey),
		manage(keys+"ip-address/list", venue.OpOther, w.listAddresses),
		manage(keys+"ip-address/create", exchanges.OpEditKey, w.addAddress),
		manage(keys+"ip-address/delete", exchanges.OpEditKey, w.removeAddress),
	}
	for _, use := range []struct {
		path   string
		handle func(*venue.Call) *venue.Answer
	}{
		{"trade-account/balance", w.balances},
		{"order/new", w.order},
		{"order/collateral/limit", w.order},
		{"order/cancel", w.done("market", "orderId")},
		{"main-account/transfer", w.done("ticker", "amount", "from", "to")},
		{"main-account/withdraw", w.done("ticker", "amount", "address", "uniqueId")},
		{"profile/websocket_token", w.webSocketToken},
	} {
		all = append(all, venue.Route{Pattern: prefix + use.path, Operation: exchanges.OpUseKey, Permit: w.mayUse, Handle: use.handle, Limits: limits})
	}
	return all
}

func (w *whitebit) ok(status int, body any) *venue.Answer { return venue.JSONAnswer(status, body) }

// refuse builds a failure. Codes repeat across meanings.
func (w *whitebit) refuse(status, code int, message string) *venue.Answer {
	return venue.JSONAnswer(status, map[string]any{"code": code, "message": message, "errors": map[string]any{}})
}

func (w *whitebit) badParameter(why *venue.Complaint) *venue.Answer {
	rule := "validation.invalid"
	if why.Reason == venue.Missing {
		rule = "validation.required"
	}
	return venue.JSONAnswer(http.StatusBadRequest, map[string]any{
		"code": 0, "message": "Validation failed", "errors": map[string][]string{why.Param: {rule}},
	})
}

func (w *whitebit) unauthorized(code int, message string) *venue.Answer {
	return w.refuse(http.StatusUnauthorized, code, message)
}

func (w *whitebit) forbidden() *venue.Answer {
	return w.refuse(http.StatusForbidden, 4, "You don't have permission to use this endpoint.")
}

func (w *whitebit) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return w.refuse(http.StatusTooManyRequests, 0, "Too many requests.")
}

func (w *whitebit) NotFound(*venue.Call) *venue.Answer {
	return w.refuse(http.StatusNotFound, 0, "Not found")
}

// Authenticate follows the section "Authentication": headers and signature
// first, then what the body repeats. The documentation does not tell the HTTP
// status of these refusals.
func (w *whitebit) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	payload := c.Header.Get("X-TXC-PAYLOAD")
	if payload == "" {
		return nil, w.unauthorized(9, "Payload not provided.")
	}
	caller := c.Books.Key(c.Header.Get("X-TXC-APIKEY"))
	if caller == nil || !whitebitVerifies(caller.Secret, payload, c.Header.Get("X-TXC-SIGNATURE")) {
		return nil, w.unauthorized(10, "Unauthorized request.")
	}
	var replay struct {
		Request     string          `json:"request"`
		Nonce       json.RawMessage `json:"nonce"`
		NonceWindow json.RawMessage `json:"nonceWindow"`
	}
	if payload != base64.StdEncoding.EncodeToString(c.Body) || json.Unmarshal(c.Body, &replay) != nil {
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
	if !caller.Allows(c.Caller) {
		return nil, w.unauthorized(2, "This action is unauthorized. Enable your key in API settings")
	}
	return caller, nil
}

// useNonce takes a nonce of the key, a number or the same in quotes, if it is
// good: greater than every earlier one, or with a window new and in time. That
// a nonce is too late has no text of its own in the documentation.
func (w *whitebit) useNonce(c *venue.Call, caller *venue.Key, text json.RawMessage, window bool) *venue.Answer {
	nonce, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	if err != nil {
		return w.unauthorized(0, "Nonce not provided.")
	}
	used := w.nonces[caller.APIKey]
	if used == nil {
		used = &whitebitNonces{recent: map[int64]bool{}}
		w.nonces[caller.APIKey] = used
	}
	now := c.Now.UnixMilli()
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
func (w *whitebit) parameters(c *venue.Call) *venue.Params {
	p := venue.JSONParams(c.Body)
	p.Ignore("request", "nonce", "nonceWindow")
	return p
}

// mayManage permits a key of the main account that may manage sub-accounts.
func (w *whitebit) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has(whitebitManage) {
		return w.forbidden()
	}
	return nil
}

// mayUse permits keys for which the endpoint is on.
func (w *whitebit) mayUse(c *venue.Call) *venue.Answer {
	if c.Key.Account.Frozen || !c.Key.Has(c.URL.Path) {
		return w.forbidden()
	}
	return nil
}

func (w *whitebit) serverTime(c *venue.Call) *venue.Answer {
	return w.ok(http.StatusOK, map[string]int64{"time": c.Now.Unix()})
}
