// Package okx plays the V5 API of OKX as documented at
// https://www.okx.com/docs-v5/en/. Where the documentation leaves a rule open,
// it does the strictest thing that the documentation allows.
package okx

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
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is OKX, with the state that the books do not hold.
type exchange struct {
	demoMaster string // id of the master account that exists in demo trading
}

// Venue is the simulated OKX.
func Venue() venue.Listing { return venue.Listing{Name: "okx", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// OKX's permissions. Keys of sub-accounts cannot hold the last one.
const (
	read     = "read_only"
	trade    = "trade"
	withdraw = "withdraw"
)

// window is how far a request's timestamp may be off, either way.
const window = 30 * time.Second

// idleLife is how long an unused key lives if it can trade and is bound to no
// address (https://www.okx.com/docs-v5/en/#overview-generating-an-apikey).
const idleLife = 14 * 24 * time.Hour

const timestampLayout = "2006-01-02T15:04:05.999Z"

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(17), Created: now})
	demo := books.AddAccount(&venue.Account{ID: venue.RandomNumber(17), Created: now})
	e.demoMaster = demo.ID
	both := []string{read, trade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: master, Permissions: both, IPs: venue.Loopback()},
		{Kind: "read_only", Account: master, Permissions: []string{read}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: master, Permissions: both, Expires: now.Add(idleLife)},
		{Kind: "withdraw", Account: master, Permissions: append(slices.Clone(both), withdraw), IPs: venue.Loopback()},
		{Kind: "demo", Account: demo, Permissions: both, IPs: venue.Loopback()},
	} {
		root.APIKey, root.Secret = venue.RandomUUID(), venue.RandomText(32, venue.UpperHex)
		root.Passphrase = "Root#" + venue.RandomText(12, venue.Alphanumeric) + "1aA"
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

// AddSubAccount gives every sub-account its own millisecond, since lists are
// paged by the time of creation. OKX creates no more than one per second.
func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	created := now.Truncate(time.Millisecond)
	if subs := books.SubAccounts(master); len(subs) > 0 {
		if next := subs[len(subs)-1].Created.Add(time.Millisecond); created.Before(next) {
			created = next
		}
	}
	return books.AddAccount(&venue.Account{
		ID: "sub" + venue.RandomText(12, venue.Digits) + "desk", Name: venue.RandomNumber(18), Parent: master, Created: created,
	})
}

func (e *exchange) Routes() []venue.Route {
	per := func(window time.Duration, quota int) []venue.Limit {
		return []venue.Limit{{Quota: quota, Window: window}}
	}
	const subAccount = "/api/v5/users/subaccount/"
	return []venue.Route{
		{
			Pattern: "GET /api/v5/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime,
			Limits: []venue.Limit{{Quota: 10, Window: 2 * time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /api/v5/account/config", Operation: exchanges.OpInspect, Permit: e.mayRead, Handle: e.config, Limits: per(2*time.Second, 5)},

		// The documentation has stated this limit both as 2 and as 20.
		{Pattern: "GET " + subAccount + "list", Operation: exchanges.OpSubAccounts, Permit: e.mayList, Handle: e.listSubAccounts, Limits: per(2*time.Second, 2)},
		{Pattern: "POST " + subAccount + "create-subaccount", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.createSubAccount, Limits: per(time.Second, 1)},

		{Pattern: "POST " + subAccount + "apikey", Operation: exchanges.OpCreateKey, Permit: e.mayManage, Handle: e.createKey, Limits: per(time.Second, 1)},
		{Pattern: "GET " + subAccount + "apikey", Operation: exchanges.OpListKeys, Permit: e.mayList, Handle: e.listKeys, Limits: per(2*time.Second, 20)},
		{Pattern: "POST " + subAccount + "modify-apikey", Operation: exchanges.OpEditKey, Permit: e.mayManage, Handle: e.editKey, Limits: per(time.Second, 1)},
		{Pattern: "POST " + subAccount + "delete-apikey", Operation: exchanges.OpDeleteKey, Permit: e.mayManage, Handle: e.deleteKey, Limits: per(time.Second, 1)},

		{Pattern: "GET /api/v5/account/balance", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.balance},
		{Pattern: "POST /api/v5/trade/order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.order},
		{Pattern: "POST /api/v5/trade/batch-orders", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.batch},
		{Pattern: "GET /api/v5/trade/orders-pending", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.openOrders},
		{Pattern: "POST /api/v5/trade/cancel-order", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.cancelOrder},
		{Pattern: "POST /api/v5/asset/transfer", Operation: exchanges.OpUseKey, Permit: e.mayTrade, Handle: e.transfer},
		{Pattern: "POST /api/v5/asset/withdrawal", Operation: exchanges.OpUseKey, Permit: e.mayWithdraw, Handle: e.withdraw},
	}
}

// ok builds an answer. Even a single result comes in a list.
func (e *exchange) ok(results ...any) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": "0", "msg": "", "data": append([]any{}, results...)})
}

// refuse builds the documented answer for a code. Before the key is
// authenticated the answer has no data.
func (e *exchange) refuse(c *venue.Call, code string, params ...any) *venue.Answer {
	status, message := errorOf(code)
	body := map[string]any{"code": code, "msg": fmt.Sprintf(message, params...)}
	if c.Key != nil {
		body["data"] = []any{}
	}
	return venue.JSONAnswer(status, body)
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	switch why.Reason {
	case venue.Missing:
		return e.refuse(c, parameterMissing, why.Param)
	case venue.Malformed:
		return e.refuse(c, badJSON)
	default:
		return e.refuse(c, parameterWrong, why.Param)
	}
}

func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.refuse(c, tooManyRequests)
}

// NotFound answers differently for a path that exists for another method and
// for one that does not exist.
func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range e.Routes() {
		if _, path, _ := strings.Cut(rt.Pattern, " "); path == c.URL.Path {
			return e.refuse(c, wrongMethod)
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// Authenticate follows
// https://www.okx.com/docs-v5/en/#overview-rest-authentication.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, required := range []struct{ header, code string }{
		{"OK-ACCESS-KEY", noKey}, {"OK-ACCESS-PASSPHRASE", noPassphrase},
		{"OK-ACCESS-SIGN", noSignature}, {"OK-ACCESS-TIMESTAMP", noTimestamp},
	} {
		if c.Header.Get(required.header) == "" {
			return nil, e.refuse(c, required.code)
		}
	}
	timestamp := c.Header.Get("OK-ACCESS-TIMESTAMP")
	sent, err := time.Parse(timestampLayout, timestamp)
	if err != nil {
		return nil, e.refuse(c, badTimestamp)
	}
	caller := c.Books.Key(c.Header.Get("OK-ACCESS-KEY"))
	switch {
	case c.Now.Sub(sent).Abs() > window:
		return nil, e.refuse(c, expiredTimestamp)
	case caller == nil || caller.Expired(c.Now):
		return nil, e.refuse(c, unknownKey)
	case e.inDemo(caller) != (c.Header.Get("x-simulated-trading") == "1"):
		return nil, e.refuse(c, otherEnvironment)
	case c.Header.Get("OK-ACCESS-PASSPHRASE") != caller.Passphrase:
		return nil, e.refuse(c, wrongPassphrase)
	case !verifies(caller.Secret, timestamp+c.Method+c.RequestURI+string(c.Body), c.Header.Get("OK-ACCESS-SIGN")):
		return nil, e.refuse(c, badSignature)
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, unboundAddress, c.Caller)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, e.refuse(c, badContentType)
	case c.Method == http.MethodPost && len(c.Body) == 0:
		return nil, e.refuse(c, noBody)
	}
	e.renew(caller, c.Now)
	return caller, nil
}

// verifies checks a signature: base64 of HMAC-SHA256.
func verifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// renew restarts a key's idle time, because the key was used, or its rights or
// addresses changed.
func (e *exchange) renew(k *venue.Key, now time.Time) {
	k.Expires = time.Time{}
	if len(k.IPs) == 0 && k.Has(trade, withdraw) {
		k.Expires = now.Add(idleLife)
	}
}

func (e *exchange) inDemo(k *venue.Key) bool { return k.Account.ID == e.demoMaster }

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(map[string]string{"ts": millis(c.Now)})
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
