// Package bybit is the simulated Bybit.
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

// bybit plays the V5 API of Bybit as documented at
// https://bybit-exchange.github.io/docs/v5/intro. Where the documentation leaves
// a rule open, it does the strictest thing that the documentation allows.
type bybit struct {
	keyID int64 // number of the newest key; they are given in order, and never again
}

// Venue is the simulated Bybit.
func Venue() venue.Listing { return venue.Listing{Name: "bybit", New: newBybit} }

func newBybit() venue.Rules { return &bybit{keyID: 16_000_000} }

// Return codes, from https://bybit-exchange.github.io/docs/v5/error.
const (
	bybitOK             = 0
	bybitBadParameter   = 10001
	bybitBadTimestamp   = 10002
	bybitBadKey         = 10003
	bybitBadSignature   = 10004
	bybitNoPermission   = 10005
	bybitTooManyVisits  = 10006
	bybitAddressUnbound = 10010
	bybitNoRoute        = 10017
	bybitKeyExpired     = 33004
	bybitNotYourSub     = 500010
	bybitSubNotNormal   = 141004
)

// bybitUnboundLife is how long a key lives that is bound to no address
// (https://bybit-exchange.github.io/docs/v5/guide).
const bybitUnboundLife = 90 * 24 * time.Hour

func (b *bybit) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	manage := []string{"Wallet:AccountTransfer", "Wallet:SubMemberTransfer"}
	trade := []string{"ContractTrade:Order", "ContractTrade:Position", "Derivatives:DerivativesTrade", "Options:OptionsTrade", "Spot:SpotTrade"}
	all := slices.Concat(trade, manage)
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: all, IPs: venue.Loopback()},
		{Kind: "read_only", Permissions: append([]string{bybitReadOnly}, all...), IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: trade, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: all, Expires: now.Add(bybitUnboundLife)},
		{Kind: "rsa", Permissions: all, IPs: venue.Loopback(), Signer: rsaPair},
	} {
		root.ID, root.APIKey = b.nextKeyID(), venue.RandomText(18, venue.Alphanumeric)
		if root.Signer == nil {
			root.Secret = venue.RandomText(36, venue.Alphanumeric)
		}
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (b *bybit) nextKeyID() string {
	b.keyID++
	return strconv.FormatInt(b.keyID, 10)
}

func (b *bybit) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: "sub" + venue.RandomText(5, venue.Digits) + "desk", Parent: master, Created: now,
	})
}

// bybitAddressLimit covers all HTTP traffic of one address.
var bybitAddressLimit = venue.Limit{Quota: 600, Window: 5 * time.Second, By: venue.PerAddress, Bucket: "http", Ban: 10 * time.Minute}

func (b *bybit) Routes() []venue.Route {
	perSecond := func(n int) []venue.Limit { return []venue.Limit{bybitAddressLimit, {Quota: n, Window: time.Second}} }
	return []venue.Route{
		{Pattern: "GET /v5/market/time", Operation: exchanges.OpServerTime, Public: true, Handle: b.serverTime, Limits: []venue.Limit{bybitAddressLimit}},
		{Pattern: "GET /v5/user/query-api", Operation: exchanges.OpInspect, Handle: b.queryKey, Limits: perSecond(10)},

		{Pattern: "GET /v5/user/query-sub-members", Operation: exchanges.OpSubAccounts, Permit: b.mayList, Handle: b.listSubAccounts, Limits: perSecond(10)},
		{Pattern: "GET /v5/user/submembers", Operation: exchanges.OpSubAccounts, Permit: b.mayList, Handle: b.pageSubAccounts, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/create-sub-member", Operation: venue.OpOther, Permit: b.mayManage, Handle: b.createSubAccount, Limits: perSecond(1)},
		{Pattern: "POST /v5/user/frozen-sub-member", Operation: venue.OpOther, Permit: b.mayManage, Handle: b.freezeSubAccount, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/del-submember", Operation: venue.OpOther, Permit: b.mayManage, Handle: b.deleteSubAccount, Limits: perSecond(5)},

		{Pattern: "POST /v5/user/create-sub-api", Operation: exchanges.OpCreateKey, Permit: b.mayManage, Handle: b.createKey, Limits: perSecond(1)},
		{Pattern: "GET /v5/user/sub-apikeys", Operation: exchanges.OpListKeys, Permit: b.masterOnly, Handle: b.listKeys, Limits: perSecond(10)},
		{Pattern: "POST /v5/user/update-sub-api", Operation: exchanges.OpEditKey, Permit: b.mayEdit, Handle: b.editKey, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/delete-sub-api", Operation: exchanges.OpDeleteKey, Permit: b.mayEdit, Handle: b.deleteKey, Limits: perSecond(5)},
		{Pattern: "POST /v5/user/delete-api", Operation: exchanges.OpDeleteKey, Permit: b.mayManage, Handle: b.deleteOwnKey, Limits: perSecond(5)},

		{Pattern: "GET /v5/account/wallet-balance", Operation: exchanges.OpUseKey, Handle: b.walletBalance, Limits: []venue.Limit{bybitAddressLimit}},
		{Pattern: "POST /v5/order/create", Operation: exchanges.OpUseKey, Handle: b.createOrder, Limits: []venue.Limit{bybitAddressLimit}},
		{Pattern: "POST /v5/asset/transfer/inter-transfer", Operation: exchanges.OpUseKey, Handle: b.transfer, Limits: []venue.Limit{bybitAddressLimit}},
		{Pattern: "POST /v5/asset/withdraw/create", Operation: exchanges.OpUseKey, Handle: b.withdraw, Limits: []venue.Limit{bybitAddressLimit}},
	}
}

// reply builds an answer in Bybit's envelope, with the quota headers of
// https://bybit-exchange.github.io/docs/v5/rate-limit. Business errors too come
// with HTTP 200.
func (b *bybit) reply(c *venue.Call, code int, message string, result any) *venue.Answer {
	if result == nil {
		result = struct{}{}
	}
	a := venue.JSONAnswer(http.StatusOK, map[string]any{
		"retCode": code, "retMsg": message, "result": result, "retExtInfo": struct{}{}, "time": c.Now.UnixMilli(),
	})
	for _, q := range c.Quotas {
		if q.Limit.By == venue.PerAccount {
			a.Set("X-Bapi-Limit", strconv.Itoa(q.Allowed))
			a.Set("X-Bapi-Limit-Status", strconv.Itoa(q.Remaining()))
			// The present, unless the limit is exceeded.
			a.Set("X-Bapi-Limit-Reset-Timestamp", strconv.FormatInt(c.Now.Add(q.Wait).UnixMilli(), 10))
		}
	}
	return a
}

func (b *bybit) ok(c *venue.Call, result any) *venue.Answer { return b.reply(c, bybitOK, "", result) }

func (b *bybit) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return b.reply(c, code, message, nil)
}

func (b *bybit) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return b.refuse(c, bybitBadParameter, "params error: "+why.Error())
}

func (b *bybit) noPermission(c *venue.Call) *venue.Answer {
	return b.refuse(c, bybitNoPermission, "Permission denied, please check your API key permissions.")
}

func (b *bybit) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	if q.Limit.By == venue.PerAddress {
		return venue.TextAnswer(http.StatusForbidden, "", "")
	}
	return b.refuse(c, bybitTooManyVisits, "Too many visits!")
}

func (b *bybit) NotFound(c *venue.Call) *venue.Answer {
	a := b.refuse(c, bybitNoRoute, "Route not found.")
	a.Status = http.StatusNotFound
	return a
}

// Authenticate follows
// https://bybit-exchange.github.io/docs/v5/guide#authentication.
func (b *bybit) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	if c.Method == http.MethodGet && len(c.Body) > 0 {
		return nil, venue.TextAnswer(http.StatusForbidden, "", "")
	}
	apiKey := c.Header.Get("X-BAPI-API-KEY")
	if apiKey == "" {
		return nil, venue.TextAnswer(http.StatusUnauthorized, "", "")
	}
	caller := c.Books.Key(apiKey)
	if caller == nil {
		return nil, b.refuse(c, bybitBadKey, "API key is invalid.")
	}
	if refusal := b.checkTimestamp(c); refusal != nil {
		return nil, refusal
	}
	if signed := b.signedText(c); !b.verifies(caller, signed, c.Header.Get("X-BAPI-SIGN")) {
		return nil, b.refuse(c, bybitBadSignature, fmt.Sprintf("error sign! origin_string[%s]", signed))
	}
	switch {
	case caller.Expired(c.Now):
		return nil, b.refuse(c, bybitKeyExpired, "Your api key has expired.")
	case !caller.Allows(c.Caller):
		return nil, b.refuse(c, bybitAddressUnbound, "Unmatched IP, please check your API key's bound IP addresses.")
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, b.badParameter(c, &venue.Complaint{Param: "Content-Type", Reason: venue.BadValue})
	}
	return caller, nil
}

// checkTimestamp accepts what lies no further back than the receive window and
// less than a second ahead.
func (b *bybit) checkTimestamp(c *venue.Call) *venue.Answer {
	timestamp, err := strconv.ParseInt(c.Header.Get("X-BAPI-TIMESTAMP"), 10, 64)
	if err != nil {
		return b.badParameter(c, &venue.Complaint{Param: "X-BAPI-TIMESTAMP", Reason: venue.WrongType})
	}
	window, err := strconv.ParseInt(cmp.Or(c.Header.Get("X-BAPI-RECV-WINDOW"), "5000"), 10, 64)
	if err != nil || window <= 0 {
		return b.badParameter(c, &venue.Complaint{Param: "X-BAPI-RECV-WINDOW", Reason: venue.WrongType})
	}
	server := c.Now.UnixMilli()
	if timestamp < server-window || timestamp >= server+1000 {
		return b.refuse(c, bybitBadTimestamp, fmt.Sprintf(
			"invalid request, please check your server timestamp or recv_window param. req_timestamp[%d],server_timestamp[%d],recv_window[%d]",
			timestamp, server, window))
	}
	return nil
}

// signedText is the text that the caller must have signed: of a GET the query,
// of a POST the body, both as sent.
func (b *bybit) signedText(c *venue.Call) string {
	payload := string(c.Body)
	if c.Method == http.MethodGet {
		payload = c.URL.RawQuery
	}
	return c.Header.Get("X-BAPI-TIMESTAMP") + c.Header.Get("X-BAPI-API-KEY") + c.Header.Get("X-BAPI-RECV-WINDOW") + payload
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or base64 of RSA
// (PKCS #1 v1.5 with SHA-256) for keys that were registered with a public key.
func (b *bybit) verifies(k *venue.Key, signed, signature string) bool {
	if public, ok := k.PublicKey().(*rsa.PublicKey); ok {
		decoded, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], decoded) == nil
	}
	mac := hmac.New(sha256.New, []byte(k.Secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (b *bybit) serverTime(c *venue.Call) *venue.Answer {
	return b.reply(c, bybitOK, "OK", map[string]string{
		"timeSecond": strconv.FormatInt(c.Now.Unix(), 10),
		"timeNano":   strconv.FormatInt(c.Now.UnixNano(), 10),
	})
}
