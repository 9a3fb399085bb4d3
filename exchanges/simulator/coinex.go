package simulator

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// coinex plays the API v2 of CoinEx as documented at
// https://docs.coinex.com/api/v2. Where the documentation leaves a rule open, it
// does the strictest thing that the documentation allows.
type coinex struct {
	// lacking are the permissions that sub-accounts were not given when they
	// were made, by their names.
	lacking map[string][]string
}

func newCoinEx() rules { return &coinex{lacking: map[string][]string{}} }

func (x *coinex) reset() { x.lacking = map[string][]string{} }

// startsSlowly: a new key is unknown for up to 10 minutes, says CoinEx's help
// centre.
func (x *coinex) startsSlowly() {}

// Error codes, from https://docs.coinex.com/api/v2/error. Those for a sub-account
// that is full or not there, and for a key that is gone, are not documented; the
// ones that start with 39 are made up.
const (
	coinexBadParameter  = 4004
	coinexUnknownKey    = 4005
	coinexBadSignature  = 4006
	coinexBadAddress    = 4007
	coinexNoSignature   = 4008
	coinexBadMethod     = 4009
	coinexExpired       = 4010
	coinexNoTrading     = 4115
	coinexNoFutures     = 4158
	coinexTooFast       = 4213
	coinexNoPermission  = 4512
	coinexNoSubAccount  = 3901
	coinexNoSuchKey     = 3902
	coinexKeyCap        = 3903
	coinexFrozenAccount = 3904
)

// What keys may do. Only keys of main accounts can be made to withdraw.
const (
	coinexRead     = "read"
	coinexTrade    = "trade"
	coinexWithdraw = "withdraw"
)

// Permissions of sub-accounts.
const (
	coinexAPI     = "API"
	coinexFutures = "FUTURES"
	coinexMargin  = "MARGIN"
)

// coinexUnboundLife is how long a key lasts that is bound to no address.
const coinexUnboundLife = 90 * 24 * time.Hour

func (x *coinex) seed(books *books, now time.Time, _ func() crypto.Signer) {
	main := books.addAccount(&account{id: "main" + randomText(8, digits), created: now})
	other := books.addAccount(&account{id: "main" + randomText(8, digits), created: now})
	for _, root := range []key{
		{kind: mainRoot, account: main, permissions: []string{coinexRead}, ips: loopback()},
		{kind: "unbound", account: main, permissions: []string{coinexRead}, expires: now.Add(coinexUnboundLife)},
		// A key of a sub-account manages none.
		{kind: "no_right", account: x.addSubAccount(books, now, other), permissions: []string{coinexRead, coinexTrade}, ips: loopback()},
	} {
		root.id, root.apiKey, root.secret = randomNumber(7), x.accessID(), x.secretKey()
		root.label, root.created = "root", now
		books.addKey(&root)
	}
}

func (x *coinex) accessID() string  { return randomText(32, upperHex) }
func (x *coinex) secretKey() string { return randomText(48, upperHex) }

func (x *coinex) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{id: "vault-desk" + randomText(8, digits), parent: master, created: now})
}

func (x *coinex) routes() []route {
	const subs, assets = "/v2/account/subs", "/v2/assets/"
	group := []limit{
		{quota: 400, window: time.Second, by: perAddress, bucket: "address"},
		{quota: 10, window: time.Second, by: perAccount, bucket: "account"},
	}
	manage := func(pattern string, operation exchanges.Operation, handle func(*call) *answer) route {
		return route{pattern: pattern, operation: operation, permit: x.mainOnly, handle: handle, limits: group}
	}
	return []route{
		{pattern: "GET /v2/time", operation: exchanges.OpServerTime, public: true, handle: x.serverTime, limits: group[:1]},
		{pattern: "GET /v2/ping", operation: opOther, public: true, handle: x.ping, limits: group[:1]},

		{pattern: "GET " + subs, choose: func(c *call) route {
			operation := exchanges.OpSubAccounts
			if formParams(c.URL.RawQuery).integer("limit", 0) == 1 {
				operation = exchanges.OpInspect // No call is about the calling key; this is the least that shows its right.
			}
			return manage("GET "+subs, operation, x.listSubAccounts)
		}},
		manage("POST "+subs, opOther, x.createSubAccount),
		manage("POST "+subs+"/frozen", opOther, x.freeze(true)),
		manage("POST "+subs+"/unfrozen", opOther, x.freeze(false)),
		{pattern: "GET " + subs + "/info", operation: exchanges.OpUseKey, handle: x.info, limits: group},

		manage("POST "+subs+"/api", exchanges.OpCreateKey, x.createKey),
		manage("POST "+subs+"/edit-api", exchanges.OpEditKey, x.editKey),
		manage("GET "+subs+"/api", exchanges.OpListKeys, x.listKeys),
		manage("GET "+subs+"/api-detail", opOther, x.showKey),
		manage("POST "+subs+"/delete-api", exchanges.OpDeleteKey, x.deleteKey),

		{pattern: "GET " + assets + "spot/balance", operation: exchanges.OpUseKey, permit: x.mayRead, handle: x.balance},
		{pattern: "POST " + assets + "transfer", operation: exchanges.OpUseKey, permit: x.mayTrade, handle: x.transfer},
		{pattern: "POST /v2/spot/order", operation: exchanges.OpUseKey, permit: x.mayTrade, handle: x.spotOrder},
		{pattern: "POST /v2/futures/order", operation: exchanges.OpUseKey, permit: x.mayTrade, handle: x.futuresOrder},
		{pattern: "POST " + assets + "withdraw", operation: exchanges.OpUseKey, permit: x.mayWithdraw, handle: x.done},
	}
}

func (x *coinex) envelope(c *call, code int, data any, message string, more map[string]any) *answer {
	body := map[string]any{"code": code, "data": data, "message": message}
	for name, value := range more {
		body[name] = value
	}
	a := jsonAnswer(http.StatusOK, body)
	for _, q := range c.quotas {
		if q.limit.by == perAccount {
			a.set("X-RateLimit-Limit", strconv.Itoa(q.allowed)).set("X-RateLimit-Remaining", strconv.Itoa(max(q.remaining(), 0)))
		}
	}
	return a
}

func (x *coinex) ok(c *call, data any) *answer { return x.envelope(c, 0, data, "OK", nil) }

// refuse answers with a code and a text. Failures come with HTTP 200.
func (x *coinex) refuse(c *call, code int, message string) *answer {
	return x.envelope(c, code, struct{}{}, message, nil)
}

func (x *coinex) malformed(c *call, why *complaint) *answer {
	return x.refuse(c, coinexBadParameter, "Parameter error: "+why.Error())
}

// rateLimited does not tell how long to wait.
func (x *coinex) rateLimited(c *call, _ quota) *answer {
	return x.refuse(c, coinexTooFast, "The request is too frequent. Please try again later.")
}

// notFound answers as a gateway does, without an envelope, unless the path is
// known with another method.
func (x *coinex) notFound(c *call) *answer {
	for _, rt := range x.routes() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if rt.pattern == method+" "+c.URL.Path {
				return x.refuse(c, coinexBadMethod, "Abnormal request method, please check.")
			}
		}
	}
	return textAnswer(http.StatusNotFound, "text/html", "<html><body><h1>404 Not Found</h1></body></html>\n")
}

// coinexWindow is how old a request may be in milliseconds, unless it says
// otherwise, and how far ahead of the clock its timestamp may be.
const coinexWindow = 5000

// authenticate follows https://docs.coinex.com/api/v2/authorization.
func (x *coinex) authenticate(c *call) (*key, *answer) {
	signature := c.Header.Get("X-COINEX-SIGN")
	sent, err := strconv.ParseInt(c.Header.Get("X-COINEX-TIMESTAMP"), 10, 64)
	window := int64(coinexWindow)
	if text := c.Header.Get("X-COINEX-WINDOWTIME"); text != "" && err == nil {
		window, err = strconv.ParseInt(text, 10, 64)
	}
	caller := c.books.key(c.Header.Get("X-COINEX-KEY"))
	age := c.now.UnixMilli() - sent
	switch {
	case caller == nil || caller.expired(c.now) || c.now.Before(caller.starts):
		return nil, x.refuse(c, coinexUnknownKey, "Abnormal access_id, please check whether the value passed by X-COINEX-KEY is normal.")
	case len(signature) != hex.EncodedLen(sha256.Size):
		return nil, x.refuse(c, coinexNoSignature, "Abnormal X-COINEX-SIGN value, please check.")
	case err != nil || c.Header.Get("Content-Type") != "application/json":
		return nil, x.refuse(c, coinexBadParameter, "Parameter error: the headers are malformed")
	case age > window || age < -coinexWindow:
		return nil, x.refuse(c, coinexExpired, "Expired request, please try again later.")
	case !coinexVerifies(caller.secret, coinexSigned(c), signature):
		return nil, x.refuse(c, coinexBadSignature, "Signature verification failed, please check the signature according to the documentation instructions.")
	case !caller.allows(c.caller):
		return nil, x.refuse(c, coinexBadAddress, "IP address prohibited, please check whether the whitelist or export IP is normal.")
	}
	return caller, nil
}

// coinexSigned is the text that the caller must have signed: method, path with
// query, body and timestamp as sent.
func coinexSigned(c *call) string {
	target := c.URL.Path
	if c.URL.RawQuery != "" {
		target += "?" + c.URL.RawQuery
	}
	return c.Method + target + string(c.body) + c.Header.Get("X-COINEX-TIMESTAMP")
}

// coinexVerifies checks a signature: lower-case hex of HMAC-SHA256.
func coinexVerifies(secret, signed, signature string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

// mainOnly permits keys of main accounts. What the key itself may do does not
// matter.
func (x *coinex) mainOnly(c *call) *answer {
	if c.key.account.parent != nil {
		return x.refuse(c, coinexNoPermission, "Insufficient sub-account permissions, please check.")
	}
	return nil
}

func (x *coinex) serverTime(c *call) *answer {
	return x.ok(c, map[string]int64{"timestamp": c.now.UnixMilli()})
}

func (x *coinex) ping(c *call) *answer { return x.ok(c, map[string]string{"result": "pong"}) }
