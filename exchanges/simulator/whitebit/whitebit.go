// Package whitebit plays the API v4 of WhiteBIT as documented at
// https://docs.whitebit.com/. Where the documentation leaves a rule open, it
// does the strictest thing that the documentation allows.
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

// exchange is WhiteBIT, with the state that the books do not hold.
type exchange struct {
	// nonces are those that each key has used, by API key.
	nonces map[string]*nonces
}

// nonces are the nonces of one key: the greatest, and those that are still
// inside the window.
type nonces struct {
	greatest int64
	recent   map[int64]bool
}

// Venue is the simulated WhiteBIT.
func Venue() venue.Listing { return venue.Listing{Name: "whitebit", New: newRules} }

func newRules() venue.Rules { return &exchange{nonces: map[string]*nonces{}} }

func (e *exchange) Reset() { e.nonces = map[string]*nonces{} }

// nonceWindow is how far a nonce may be off, either way, if the request asks
// for that check with the parameter of this name.
const nonceWindow = 5 * time.Second

// manage is what a root must hold to manage sub-accounts. It is not an
// endpoint, and no answer shows it.
const manage = "(manage sub-accounts)"

const blocked = "blocked"

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomUUID(), Created: now})
	other := books.AddAccount(&venue.Account{ID: venue.RandomUUID(), Created: now})
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: master, Permissions: []string{manage}, IPs: venue.Loopback()},
		{Kind: "other", Account: other, Permissions: []string{manage}, IPs: venue.Loopback()},
		{Kind: "no_right", Account: master, IPs: venue.Loopback()},
	} {
		root.ID, root.APIKey, root.Secret = venue.RandomUUID(), venue.RandomText(32, venue.LowerHex), venue.RandomText(32, venue.LowerHex)
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{ID: venue.RandomUUID(), Name: "desk_" + venue.RandomText(8, venue.Digits), Parent: master, Created: now})
}

func (e *exchange) Routes() []venue.Route {
	const prefix, keys = "POST /api/v4/", "POST /api/v4/sub-account/api-key/"
	limits := []venue.Limit{{Quota: 1000, Window: 10 * time.Second, By: venue.PerAccount}}
	manage := func(pattern string, operation exchanges.Operation, handle func(*venue.Call) *venue.Answer) venue.Route {
		return venue.Route{Pattern: pattern, Operation: operation, Permit: e.mayManage, Handle: handle, Limits: limits}
	}
	all := []venue.Route{
		{
			Pattern: "GET /api/v4/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime,
			Limits: []venue.Limit{{Quota: 2000, Window: 10 * time.Second, By: venue.PerAddress}},
		},
		{Pattern: prefix + "sub-account/list", Choose: func(c *venue.Call) venue.Route {
			operation := exchanges.OpSubAccounts
			if venue.JSONParams(c.Body).Integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the smallest one that proves its right.
			}
			return manage(prefix+"sub-account/list", operation, e.listSubAccounts)
		}},
		manage(prefix+"sub-account/create", venue.OpOther, e.createSubAccount),
		manage(prefix+"sub-account/block", venue.OpOther, e.block(true)),
		manage(prefix+"sub-account/unblock", venue.OpOther, e.block(false)),

		manage(keys+"create", exchanges.OpCreateKey, e.createKey),
		manage(keys+"edit", exchanges.OpEditKey, e.editKey),
		manage(keys+"list", exchanges.OpListKeys, e.listKeys),
		manage(keys+"delete", exchanges.OpDeleteKey, e.deleteKey),
		manage(keys+"ip-address/list", venue.OpOther, e.listAddresses),
		manage(keys+"ip-address/create", exchanges.OpEditKey, e.addAddress),
		manage(keys+"ip-address/delete", exchanges.OpEditKey, e.removeAddress),
	}
	for _, use := range []struct {
		path   string
		handle func(*venue.Call) *venue.Answer
	}{
		{"trade-account/balance", e.balances},
		{"order/new", e.order},
		{"order/collateral/limit", e.order},
		{"orders", e.openOrders},
		{"order/cancel", e.cancelOrder},
		{"main-account/transfer", e.done("ticker", "amount", "from", "to")},
		{"main-account/withdraw", e.done("ticker", "amount", "address", "uniqueId")},
		{"profile/websocket_token", e.webSocketToken},
	} {
		all = append(all, venue.Route{Pattern: prefix + use.path, Operation: exchanges.OpUseKey, Permit: e.mayUse, Handle: use.handle, Limits: limits})
	}
	return all
}

func (e *exchange) ok(status int, body any) *venue.Answer { return venue.JSONAnswer(status, body) }

// refuse builds a failure. Codes are used for several meanings.
func (e *exchange) refuse(status, code int, message string) *venue.Answer {
	return venue.JSONAnswer(status, map[string]any{"code": code, "message": message, "errors": map[string]any{}})
}

func (e *exchange) badParameter(why *venue.Complaint) *venue.Answer {
	rule := "validation.invalid"
	if why.Reason == venue.Missing {
		rule = "validation.required"
	}
	return venue.JSONAnswer(http.StatusBadRequest, map[string]any{
		"code": 0, "message": "Validation failed", "errors": map[string][]string{why.Param: {rule}},
	})
}

func (e *exchange) unauthorized(code int, message string) *venue.Answer {
	return e.refuse(http.StatusUnauthorized, code, message)
}

func (e *exchange) forbidden() *venue.Answer {
	return e.refuse(http.StatusForbidden, 4, "You don't have permission to use this endpoint.")
}

func (e *exchange) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return e.refuse(http.StatusTooManyRequests, 0, "Too many requests.")
}

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return e.refuse(http.StatusNotFound, 0, "Not found")
}

// Authenticate follows the section "Authentication": headers and signature
// first, then what the body repeats. The documentation does not give the HTTP
// status of these refusals.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	payload := c.Header.Get("X-TXC-PAYLOAD")
	if payload == "" {
		return nil, e.unauthorized(9, "Payload not provided.")
	}
	caller := c.Books.Key(c.Header.Get("X-TXC-APIKEY"))
	if caller == nil || !verifies(caller.Secret, payload, c.Header.Get("X-TXC-SIGNATURE")) {
		return nil, e.unauthorized(10, "Unauthorized request.")
	}
	var replay struct {
		Request     string          `json:"request"`
		Nonce       json.RawMessage `json:"nonce"`
		NonceWindow json.RawMessage `json:"nonceWindow"`
	}
	if payload != base64.StdEncoding.EncodeToString(c.Body) || json.Unmarshal(c.Body, &replay) != nil {
		return nil, e.unauthorized(9, "Invalid payload")
	}
	switch window := string(replay.NonceWindow); {
	case replay.Request == "":
		return nil, e.unauthorized(0, "Request not provided.")
	case replay.Request != c.URL.Path:
		return nil, e.unauthorized(9, "Invalid payload")
	case len(replay.Nonce) == 0:
		return nil, e.unauthorized(0, "Nonce not provided.")
	case window != "" && window != "true" && window != "false":
		return nil, e.unauthorized(0, "Invalid nonceWindow.")
	}
	if refusal := e.useNonce(c, caller, replay.Nonce, string(replay.NonceWindow) == "true"); refusal != nil {
		return nil, refusal
	}
	if !caller.Allows(c.Caller) {
		return nil, e.unauthorized(2, "This action is unauthorized. Enable your key in API settings")
	}
	return caller, nil
}

// useNonce accepts a nonce of the key, a number or the same in quotes, and
// records it. Without a window it must be greater than every earlier one; with
// a window it must be new and in time. The documentation has no separate text
// for a nonce that is too far ahead.
func (e *exchange) useNonce(c *venue.Call, caller *venue.Key, text json.RawMessage, window bool) *venue.Answer {
	nonce, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	if err != nil {
		return e.unauthorized(0, "Nonce not provided.")
	}
	used := e.nonces[caller.APIKey]
	if used == nil {
		used = &nonces{recent: map[int64]bool{}}
		e.nonces[caller.APIKey] = used
	}
	now := c.Now.UnixMilli()
	for old := range used.recent {
		if old < now-2*nonceWindow.Milliseconds() {
			delete(used.recent, old)
		}
	}
	switch {
	case window && time.Duration(max(nonce-now, now-nonce))*time.Millisecond > nonceWindow:
		return e.unauthorized(0, "Your nonce is more than 5 seconds lesser than the current nonce")
	case window && used.recent[nonce], !window && nonce <= used.greatest:
		return e.unauthorized(0, "Too many requests.")
	}
	used.greatest = max(used.greatest, nonce)
	used.recent[nonce] = true
	return nil
}

// verifies checks a signature: lower-case hex of HMAC-SHA512.
func verifies(secret, payload, signature string) bool {
	mac := hmac.New(sha512.New, []byte(secret))
	mac.Write([]byte(payload))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// parameters reads the body without the replay fields.
func (e *exchange) parameters(c *venue.Call) *venue.Params {
	p := venue.JSONParams(c.Body)
	p.Ignore("request", "nonce", "nonceWindow")
	return p
}

// mayManage permits a key of the main account that may manage sub-accounts.
func (e *exchange) mayManage(c *venue.Call) *venue.Answer {
	if c.Key.Account.Parent != nil || !c.Key.Has(manage) {
		return e.forbidden()
	}
	return nil
}

// mayUse permits keys for which the endpoint is switched on.
func (e *exchange) mayUse(c *venue.Call) *venue.Answer {
	if c.Key.Account.Frozen || !c.Key.Has(c.URL.Path) {
		return e.forbidden()
	}
	return nil
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(http.StatusOK, map[string]int64{"time": c.Now.Unix()})
}
