// Package okx is the simulated OKX.
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

// okx plays the V5 API of OKX as documented at https://www.okx.com/docs-v5/en/.
// Where the documentation leaves a rule open, it does the strictest thing that
// the documentation allows.
type okx struct {
	demoMaster string // id of the master account that exists in demo trading
}

// Venue is the simulated OKX.
func Venue() venue.Listing { return venue.Listing{Name: "okx", New: newOKX} }

func newOKX() venue.Rules { return &okx{} }

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

func (o *okx) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(17), Created: now})
	demo := books.AddAccount(&venue.Account{ID: venue.RandomNumber(17), Created: now})
	o.demoMaster = demo.ID
	both := []string{okxRead, okxTrade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: master, Permissions: both, IPs: venue.Loopback()},
		{Kind: "read_only", Account: master, Permissions: []string{okxRead}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: master, Permissions: both, Expires: now.Add(okxIdleLife)},
		{Kind: "withdraw", Account: master, Permissions: append(slices.Clone(both), okxWithdraw), IPs: venue.Loopback()},
		{Kind: "demo", Account: demo, Permissions: both, IPs: venue.Loopback()},
	} {
		root.APIKey, root.Secret = venue.RandomUUID(), venue.RandomText(32, venue.UpperHex)
		root.Passphrase = "Root#" + venue.RandomText(12, venue.Alphanumeric) + "1aA"
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

// AddSubAccount gives every sub-account a millisecond of its own, as OKX does,
// which creates no more than one per second: lists are paged by that time.
func (o *okx) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
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

func (o *okx) Routes() []venue.Route {
	per := func(window time.Duration, quota int) []venue.Limit {
		return []venue.Limit{{Quota: quota, Window: window}}
	}
	const subAccount = "/api/v5/users/subaccount/"
	return []venue.Route{
		{
			Pattern: "GET /api/v5/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: o.serverTime,
			Limits: []venue.Limit{{Quota: 10, Window: 2 * time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /api/v5/account/config", Operation: exchanges.OpInspect, Permit: o.mayRead, Handle: o.config, Limits: per(2*time.Second, 5)},

		// The documentation has said both 2 and 20 of this limit.
		{Pattern: "GET " + subAccount + "list", Operation: exchanges.OpSubAccounts, Permit: o.mayList, Handle: o.listSubAccounts, Limits: per(2*time.Second, 2)},
		{Pattern: "POST " + subAccount + "create-subaccount", Operation: venue.OpOther, Permit: o.mayManage, Handle: o.createSubAccount, Limits: per(time.Second, 1)},

		{Pattern: "POST " + subAccount + "apikey", Operation: exchanges.OpCreateKey, Permit: o.mayManage, Handle: o.createKey, Limits: per(time.Second, 1)},
		{Pattern: "GET " + subAccount + "apikey", Operation: exchanges.OpListKeys, Permit: o.mayList, Handle: o.listKeys, Limits: per(2*time.Second, 20)},
		{Pattern: "POST " + subAccount + "modify-apikey", Operation: exchanges.OpEditKey, Permit: o.mayManage, Handle: o.editKey, Limits: per(time.Second, 1)},
		{Pattern: "POST " + subAccount + "delete-apikey", Operation: exchanges.OpDeleteKey, Permit: o.mayManage, Handle: o.deleteKey, Limits: per(time.Second, 1)},

		{Pattern: "GET /api/v5/account/balance", Operation: exchanges.OpUseKey, Permit: o.mayRead, Handle: o.balance},
		{Pattern: "POST /api/v5/trade/order", Operation: exchanges.OpUseKey, Permit: o.mayTrade, Handle: o.order},
		{Pattern: "POST /api/v5/asset/transfer", Operation: exchanges.OpUseKey, Permit: o.mayTrade, Handle: o.transfer},
		{Pattern: "POST /api/v5/asset/withdrawal", Operation: exchanges.OpUseKey, Permit: o.mayWithdraw, Handle: o.withdraw},
	}
}

// ok builds an answer; even a single result comes in a list.
func (o *okx) ok(results ...any) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": "0", "msg": "", "data": append([]any{}, results...)})
}

// refuse builds the documented answer for a code. Before a key is authenticated
// it has no data.
func (o *okx) refuse(c *venue.Call, code string, params ...any) *venue.Answer {
	status, message := okxError(code)
	body := map[string]any{"code": code, "msg": fmt.Sprintf(message, params...)}
	if c.Key != nil {
		body["data"] = []any{}
	}
	return venue.JSONAnswer(status, body)
}

func (o *okx) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	switch why.Reason {
	case venue.Missing:
		return o.refuse(c, okxParameterMissing, why.Param)
	case venue.Malformed:
		return o.refuse(c, okxBadJSON)
	default:
		return o.refuse(c, okxParameterWrong, why.Param)
	}
}

func (o *okx) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return o.refuse(c, okxTooManyRequests)
}

// NotFound tells a known path with another method from an unknown path.
func (o *okx) NotFound(c *venue.Call) *venue.Answer {
	for _, rt := range o.Routes() {
		if _, path, _ := strings.Cut(rt.Pattern, " "); path == c.URL.Path {
			return o.refuse(c, okxWrongMethod)
		}
	}
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "Not Found\n")
}

// Authenticate follows
// https://www.okx.com/docs-v5/en/#overview-rest-authentication.
func (o *okx) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
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
	caller := c.Books.Key(c.Header.Get("OK-ACCESS-KEY"))
	switch {
	case c.Now.Sub(sent).Abs() > okxWindow:
		return nil, o.refuse(c, okxExpiredTimestamp)
	case caller == nil || caller.Expired(c.Now):
		return nil, o.refuse(c, okxUnknownKey)
	case o.inDemo(caller) != (c.Header.Get("x-simulated-trading") == "1"):
		return nil, o.refuse(c, okxOtherEnvironment)
	case c.Header.Get("OK-ACCESS-PASSPHRASE") != caller.Passphrase:
		return nil, o.refuse(c, okxWrongPassphrase)
	case !okxVerifies(caller.Secret, timestamp+c.Method+c.RequestURI+string(c.Body), c.Header.Get("OK-ACCESS-SIGN")):
		return nil, o.refuse(c, okxBadSignature)
	case !caller.Allows(c.Caller):
		return nil, o.refuse(c, okxUnboundAddress, c.Caller)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, o.refuse(c, okxBadContentType)
	case c.Method == http.MethodPost && len(c.Body) == 0:
		return nil, o.refuse(c, okxNoBody)
	}
	o.renew(caller, c.Now)
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
func (o *okx) renew(k *venue.Key, now time.Time) {
	k.Expires = time.Time{}
	if len(k.IPs) == 0 && k.Has(okxTrade, okxWithdraw) {
		k.Expires = now.Add(okxIdleLife)
	}
}

func (o *okx) inDemo(k *venue.Key) bool { return k.Account.ID == o.demoMaster }

func (o *okx) serverTime(c *venue.Call) *venue.Answer {
	return o.ok(map[string]string{"ts": okxTime(c.Now)})
}

func okxTime(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
