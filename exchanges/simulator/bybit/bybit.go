// Package bybit plays the V5 API of Bybit as documented at
// https://bybit-exchange.github.io/docs/v5/intro. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation
// allows.
package bybit

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Bybit, with the state that the books do not hold.
type exchange struct {
	keyID int64 // number of the newest key; numbers count up and are never reused
}

// Venue is the simulated Bybit.
func Venue() venue.Listing { return venue.Listing{Name: "bybit", New: newRules} }

func newRules() venue.Rules { return &exchange{keyID: firstKeyID} }

// firstKeyID comes before the number of the first key.
const firstKeyID = 16_000_000

// Return codes, from https://bybit-exchange.github.io/docs/v5/error.
const (
	codeOK         = 0
	badParameter   = 10001
	badTimestamp   = 10002
	badKey         = 10003
	badSignature   = 10004
	noPermission   = 10005
	tooManyVisits  = 10006
	addressUnbound = 10010
	noRoute        = 10017
	keyExpired     = 33004
	noOrder        = 110001
	noSpotOrder    = 170213
	notYourSub     = 500010
	subNotNormal   = 141004
)

// unboundLife is how long a key lives if it is bound to no address
// (https://bybit-exchange.github.io/docs/v5/guide).
const unboundLife = 90 * 24 * time.Hour

func (e *exchange) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	manage := []string{"Wallet:AccountTransfer", "Wallet:SubMemberTransfer"}
	trade := []string{"ContractTrade:Order", "ContractTrade:Position", "Derivatives:DerivativesTrade", "Options:OptionsTrade", "Spot:SpotTrade"}
	all := slices.Concat(trade, manage)
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: all, IPs: venue.Loopback()},
		{Kind: "read_only", Permissions: append([]string{readOnlyMark}, all...), IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: trade, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: all, Expires: now.Add(unboundLife)},
		{Kind: "rsa", Permissions: all, IPs: venue.Loopback(), Signer: rsaPair},
	} {
		root.ID, root.APIKey = e.nextKeyID(), venue.RandomText(18, venue.Alphanumeric)
		if root.Signer == nil {
			root.Secret = venue.RandomText(36, venue.Alphanumeric)
		}
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) nextKeyID() string {
	e.keyID++
	return strconv.FormatInt(e.keyID, 10)
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: "sub" + venue.RandomText(5, venue.Digits) + "desk", Parent: master, Created: now,
	})
}

// addressLimit covers all HTTP requests from one address.
var addressLimit = venue.Limit{Quota: 600, Window: 5 * time.Second, By: venue.PerAddress, Bucket: "http", Ban: 10 * time.Minute}

func (e *exchange) Routes() []venue.Route {
	perSecond := func(n int) []venue.Limit { return []venue.Limit{addressLimit, {Quota: n, Window: time.Second}} }
	return []venue.Route{
		{Pattern: "GET /v5/market/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime, Limits: []venue.Limit{addressLimit}},
		{Pattern: "GET /v5/user/query-api", Operation: exchanges.OpInspect, Handle: e.queryKey, Limits: perSecond(10)},

		{Pattern: "GET /v5/user/query-sub-members", Operation: exchanges.OpSubAccounts, Permit: e.mayList, Handle: e.listSubAccounts, Limits: perSecond(10)},
		{Pattern: "GET /v5/user/submembers", Operation: exchanges.OpSubAccounts, Permit: e.mayList, Handle: e.pageSubAccounts, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/create-sub-member", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.createSubAccount, Limits: perSecond(1)},
		{Pattern: "POST /v5/user/frozen-sub-member", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.freezeSubAccount, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/del-submember", Operation: venue.OpOther, Permit: e.mayManage, Handle: e.deleteSubAccount, Limits: perSecond(5)},

		{Pattern: "POST /v5/user/create-sub-api", Operation: exchanges.OpCreateKey, Permit: e.mayManage, Handle: e.createKey, Limits: perSecond(1)},
		{Pattern: "GET /v5/user/sub-apikeys", Operation: exchanges.OpListKeys, Permit: e.masterOnly, Handle: e.listKeys, Limits: perSecond(10)},
		{Pattern: "POST /v5/user/update-sub-api", Operation: exchanges.OpEditKey, Permit: e.mayEdit, Handle: e.editKey, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/delete-sub-api", Operation: exchanges.OpDeleteKey, Permit: e.mayEdit, Handle: e.deleteKey, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/delete-api", Operation: exchanges.OpDeleteKey, Permit: e.mayManage, Handle: e.deleteOwnKey, Limits: perSecond(5)},

		{Pattern: "GET /v5/account/wallet-balance", Operation: exchanges.OpUseKey, Handle: e.walletBalance, Limits: []venue.Limit{addressLimit}},
		{Pattern: "GET /v5/account/info", Operation: exchanges.OpUseKey, Handle: e.accountInfo, Limits: []venue.Limit{addressLimit}},
		{Pattern: "GET /v5/order/realtime", Operation: exchanges.OpUseKey, Handle: e.openOrders, Limits: []venue.Limit{addressLimit}},
		{Pattern: "POST /v5/order/cancel", Operation: exchanges.OpUseKey, Handle: e.cancelOrder, Limits: []venue.Limit{addressLimit}},
		{Pattern: "POST /v5/order/create", Operation: exchanges.OpUseKey, Handle: e.createOrder, Limits: []venue.Limit{addressLimit}},
		{Pattern: "POST /v5/asset/transfer/inter-transfer", Operation: exchanges.OpUseKey, Handle: e.transfer, Limits: []venue.Limit{addressLimit}},
		{Pattern: "POST /v5/asset/withdraw/create", Operation: exchanges.OpUseKey, Handle: e.withdraw, Limits: []venue.Limit{addressLimit}},
	}
}

// envelope is around every answer.
type envelope struct {
	RetCode    int      `json:"retCode"`
	RetMsg     string   `json:"retMsg"`
	Result     any      `json:"result"`
	RetExtInfo struct{} `json:"retExtInfo"`
	Time       int64    `json:"time"`
}

// reply builds an answer in Bybit's envelope, with the quota headers of
// https://bybit-exchange.github.io/docs/v5/rate-limit. Business errors come
// with HTTP 200 too.
func (e *exchange) reply(c *venue.Call, code int, message string, result any) *venue.Answer {
	if result == nil {
		result = struct{}{}
	}
	a := venue.JSONAnswer(http.StatusOK, envelope{RetCode: code, RetMsg: message, Result: result, Time: c.Now.UnixMilli()})
	for _, q := range c.Quotas {
		if q.Limit.By == venue.PerAccount {
			a.Set("X-Bapi-Limit", strconv.Itoa(q.Allowed))
			a.Set("X-Bapi-Limit-Status", strconv.Itoa(q.Remaining()))
			// The current time, unless the limit is exceeded.
			a.Set("X-Bapi-Limit-Reset-Timestamp", strconv.FormatInt(c.Now.Add(q.Wait).UnixMilli(), 10))
		}
	}
	return a
}

func (e *exchange) ok(c *venue.Call, result any) *venue.Answer { return e.reply(c, codeOK, "", result) }

func (e *exchange) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return e.reply(c, code, message, nil)
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return e.refuse(c, badParameter, "params error: "+why.Error())
}

func (e *exchange) noPermission(c *venue.Call) *venue.Answer {
	return e.refuse(c, noPermission, "Permission denied, please check your API key permissions.")
}

func (e *exchange) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	if q.Limit.By == venue.PerAddress {
		return venue.TextAnswer(http.StatusForbidden, "", "")
	}
	return e.refuse(c, tooManyVisits, "Too many visits!")
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	a := e.refuse(c, noRoute, "Route not found.")
	a.Status = http.StatusNotFound
	return a
}

// Authenticate follows
// https://bybit-exchange.github.io/docs/v5/guide#authentication.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Method == http.MethodGet && len(c.Body) > 0 {
		return nil, venue.TextAnswer(http.StatusForbidden, "", "")
	}
	apiKey := c.Header.Get("X-BAPI-API-KEY")
	if apiKey == "" {
		return nil, venue.TextAnswer(http.StatusUnauthorized, "", "")
	}
	caller := c.Books.Key(apiKey)
	if caller == nil {
		return nil, e.refuse(c, badKey, "API key is invalid.")
	}
	if refusal := e.checkTimestamp(c); refusal != nil {
		return nil, refusal
	}
	if signed := e.signedText(c); !e.verifies(caller, signed, c.Header.Get("X-BAPI-SIGN")) {
		return nil, e.refuse(c, badSignature, fmt.Sprintf("error sign! origin_string[%s]", signed))
	}
	switch {
	case caller.Expired(c.Now):
		return nil, e.refuse(c, keyExpired, "Your api key has expired.")
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, addressUnbound, "Unmatched IP, please check your API key's bound IP addresses.")
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, e.badParameter(c, &venue.Complaint{Param: "Content-Type", Reason: venue.BadValue})
	}
	return caller, nil
}

// checkTimestamp accepts a timestamp no older than the receive window and less
// than a second ahead.
func (e *exchange) checkTimestamp(c *venue.Call) *venue.Answer {
	timestamp, err := strconv.ParseInt(c.Header.Get("X-BAPI-TIMESTAMP"), 10, 64)
	if err != nil {
		return e.badParameter(c, &venue.Complaint{Param: "X-BAPI-TIMESTAMP", Reason: venue.WrongType})
	}
	window, err := strconv.ParseInt(cmp.Or(c.Header.Get("X-BAPI-RECV-WINDOW"), "5000"), 10, 64)
	if err != nil || window <= 0 {
		return e.badParameter(c, &venue.Complaint{Param: "X-BAPI-RECV-WINDOW", Reason: venue.WrongType})
	}
	server := c.Now.UnixMilli()
	if timestamp < server-window || timestamp >= server+1000 {
		return e.refuse(c, badTimestamp, fmt.Sprintf(
			"invalid request, please check your server timestamp or recv_window param. req_timestamp[%d],server_timestamp[%d],recv_window[%d]",
			timestamp, server, window))
	}
	return nil
}

// signedText is the text that the caller must have signed: the query of a GET
// or the body of a POST, as sent.
func (e *exchange) signedText(c *venue.Call) string {
	payload := string(c.Body)
	if c.Method == http.MethodGet {
		payload = c.URL.RawQuery
	}
	return c.Header.Get("X-BAPI-TIMESTAMP") + c.Header.Get("X-BAPI-API-KEY") + c.Header.Get("X-BAPI-RECV-WINDOW") + payload
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or base64 of RSA
// (PKCS #1 v1.5 with SHA-256) for keys that were registered with a public key.
func (e *exchange) verifies(k *venue.Key, signed, signature string) bool {
	if public, ok := k.PublicKey().(*rsa.PublicKey); ok {
		decoded, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], decoded) == nil
	}
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.reply(c, codeOK, "OK", map[string]string{
		"timeSecond": strconv.FormatInt(c.Now.Unix(), 10),
		"timeNano":   strconv.FormatInt(c.Now.UnixNano(), 10),
	})
}
