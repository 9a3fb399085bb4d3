package simulator

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
)

// bybit plays the V5 API of Bybit as documented at
// https://bybit-exchange.github.io/docs/v5/intro. Where the documentation leaves
// a rule open, it does the strictest thing that the documentation allows.
type bybit struct {
	keyID int64 // number of the newest key; they are given in order, and never again
}

func newBybit() rules { return &bybit{keyID: 16_000_000} }

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

func (b *bybit) seed(books *books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(8), created: now})
	manage := []string{"Wallet:AccountTransfer", "Wallet:SubMemberTransfer"}
	trade := []string{"ContractTrade:Order", "ContractTrade:Position", "Derivatives:DerivativesTrade", "Options:OptionsTrade", "Spot:SpotTrade"}
	all := slices.Concat(trade, manage)
	for _, root := range []key{
		{kind: mainRoot, permissions: all, ips: loopback()},
		{kind: "read_only", permissions: append([]string{bybitReadOnly}, all...), ips: loopback()},
		{kind: "no_right", permissions: trade, ips: loopback()},
		{kind: "unbound", permissions: all, expires: now.Add(bybitUnboundLife)},
		{kind: "rsa", permissions: all, ips: loopback(), signer: rsaPair},
	} {
		root.id, root.apiKey = b.nextKeyID(), randomText(18, alphanumeric)
		if root.signer == nil {
			root.secret = randomText(36, alphanumeric)
		}
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

func (b *bybit) nextKeyID() string {
	b.keyID++
	return strconv.FormatInt(b.keyID, 10)
}

func (b *bybit) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: randomNumber(8), name: "sub" + randomText(5, digits) + "desk", parent: master, created: now,
	})
}

// bybitAddressLimit covers all HTTP traffic of one address.
var bybitAddressLimit = limit{quota: 600, window: 5 * time.Second, by: perAddress, bucket: "http", ban: 10 * time.Minute}

func (b *bybit) routes() []route {
	perSecond := func(n int) []limit { return []limit{bybitAddressLimit, {quota: n, window: time.Second}} }
	return []route{
		{pattern: "GET /v5/market/time", operation: exchanges.OpServerTime, public: true, handle: b.serverTime, limits: []limit{bybitAddressLimit}},
		{pattern: "GET /v5/user/query-api", operation: exchanges.OpInspect, handle: b.queryKey, limits: perSecond(10)},

		{pattern: "GET /v5/user/query-sub-members", operation: exchanges.OpSubAccounts, permit: b.mayList, handle: b.listSubAccounts, limits: perSecond(10)},
		{pattern: "GET /v5/user/submembers", operation: exchanges.OpSubAccounts, permit: b.mayList, handle: b.pageSubAccounts, limits: perSecond(5)},
		{pattern: "POST /v5/user/create-sub-member", operation: opOther, permit: b.mayManage, handle: b.createSubAccount, limits: perSecond(1)},
		{pattern: "POST /v5/user/frozen-sub-member", operation: opOther, permit: b.mayManage, handle: b.freezeSubAccount, limits: perSecond(5)},
		{pattern: "POST /v5/user/del-submember", operation: opOther, permit: b.mayManage, handle: b.deleteSubAccount, limits: perSecond(5)},

		{pattern: "POST /v5/user/create-sub-api", operation: exchanges.OpCreateKey, permit: b.mayManage, handle: b.createKey, limits: perSecond(1)},
		{pattern: "GET /v5/user/sub-apikeys", operation: exchanges.OpListKeys, permit: b.masterOnly, handle: b.listKeys, limits: perSecond(10)},
		{pattern: "POST /v5/user/update-sub-api", operation: exchanges.OpEditKey, permit: b.mayEdit, handle: b.editKey, limits: perSecond(5)},
		{pattern: "POST /v5/user/delete-sub-api", operation: exchanges.OpDeleteKey, permit: b.mayEdit, handle: b.deleteKey, limits: perSecond(5)},
		{pattern: "POST /v5/user/delete-api", operation: exchanges.OpDeleteKey, permit: b.mayManage, handle: b.deleteOwnKey, limits: perSecond(5)},

		{pattern: "GET /v5/account/wallet-balance", operation: exchanges.OpUseKey, handle: b.walletBalance, limits: []limit{bybitAddressLimit}},
		{pattern: "POST /v5/order/create", operation: exchanges.OpUseKey, handle: b.createOrder, limits: []limit{bybitAddressLimit}},
		{pattern: "POST /v5/asset/transfer/inter-transfer", operation: exchanges.OpUseKey, handle: b.transfer, limits: []limit{bybitAddressLimit}},
		{pattern: "POST /v5/asset/withdraw/create", operation: exchanges.OpUseKey, handle: b.withdraw, limits: []limit{bybitAddressLimit}},
	}
}

// reply builds an answer in Bybit's envelope, with the quota headers of
// https://bybit-exchange.github.io/docs/v5/rate-limit. Business errors too come
// with HTTP 200.
func (b *bybit) reply(c *call, code int, message string, result any) *answer {
	if result == nil {
		result = struct{}{}
	}
	a := jsonAnswer(http.StatusOK, map[string]any{
		"retCode": code, "retMsg": message, "result": result, "retExtInfo": struct{}{}, "time": c.now.UnixMilli(),
	})
	for _, q := range c.quotas {
		if q.limit.by == perAccount {
			a.set("X-Bapi-Limit", strconv.Itoa(q.allowed))
			a.set("X-Bapi-Limit-Status", strconv.Itoa(q.remaining()))
			// The present, unless the limit is exceeded.
			a.set("X-Bapi-Limit-Reset-Timestamp", strconv.FormatInt(c.now.Add(q.wait).UnixMilli(), 10))
		}
	}
	return a
}

func (b *bybit) ok(c *call, result any) *answer { return b.reply(c, bybitOK, "", result) }

func (b *bybit) refuse(c *call, code int, message string) *answer {
	return b.reply(c, code, message, nil)
}

func (b *bybit) badParameter(c *call, why *complaint) *answer {
	return b.refuse(c, bybitBadParameter, "params error: "+why.Error())
}

func (b *bybit) noPermission(c *call) *answer {
	return b.refuse(c, bybitNoPermission, "Permission denied, please check your API key permissions.")
}

func (b *bybit) rateLimited(c *call, q quota) *answer {
	if q.limit.by == perAddress {
		return textAnswer(http.StatusForbidden, "", "")
	}
	return b.refuse(c, bybitTooManyVisits, "Too many visits!")
}

func (b *bybit) notFound(c *call) *answer {
	a := b.refuse(c, bybitNoRoute, "Route not found.")
	a.status = http.StatusNotFound
	return a
}

// authenticate follows
// https://bybit-exchange.github.io/docs/v5/guide#authentication.
func (b *bybit) authenticate(c *call) (*key, *answer) {
	if c.Method == http.MethodGet && len(c.body) > 0 {
		return nil, textAnswer(http.StatusForbidden, "", "")
	}
	apiKey := c.Header.Get("X-BAPI-API-KEY")
	if apiKey == "" {
		return nil, textAnswer(http.StatusUnauthorized, "", "")
	}
	caller := c.books.key(apiKey)
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
	case caller.expired(c.now):
		return nil, b.refuse(c, bybitKeyExpired, "Your api key has expired.")
	case !caller.allows(c.caller):
		return nil, b.refuse(c, bybitAddressUnbound, "Unmatched IP, please check your API key's bound IP addresses.")
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, b.badParameter(c, &complaint{"Content-Type", badValue})
	}
	return caller, nil
}

// checkTimestamp accepts what lies no further back than the receive window and
// less than a second ahead.
func (b *bybit) checkTimestamp(c *call) *answer {
	timestamp, err := strconv.ParseInt(c.Header.Get("X-BAPI-TIMESTAMP"), 10, 64)
	if err != nil {
		return b.badParameter(c, &complaint{"X-BAPI-TIMESTAMP", wrongType})
	}
	window, err := strconv.ParseInt(cmp.Or(c.Header.Get("X-BAPI-RECV-WINDOW"), "5000"), 10, 64)
	if err != nil || window <= 0 {
		return b.badParameter(c, &complaint{"X-BAPI-RECV-WINDOW", wrongType})
	}
	server := c.now.UnixMilli()
	if timestamp < server-window || timestamp >= server+1000 {
		return b.refuse(c, bybitBadTimestamp, fmt.Sprintf(
			"invalid request, please check your server timestamp or recv_window param. req_timestamp[%d],server_timestamp[%d],recv_window[%d]",
			timestamp, server, window))
	}
	return nil
}

// signedText is the text that the caller must have signed: of a GET the query,
// of a POST the body, both as sent.
func (b *bybit) signedText(c *call) string {
	payload := string(c.body)
	if c.Method == http.MethodGet {
		payload = c.URL.RawQuery
	}
	return c.Header.Get("X-BAPI-TIMESTAMP") + c.Header.Get("X-BAPI-API-KEY") + c.Header.Get("X-BAPI-RECV-WINDOW") + payload
}

// verifies checks a signature: lower-case hex of HMAC-SHA256, or base64 of RSA
// (PKCS #1 v1.5 with SHA-256) for keys that were registered with a public key.
func (b *bybit) verifies(k *key, signed, signature string) bool {
	if public, ok := k.publicKey().(*rsa.PublicKey); ok {
		decoded, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], decoded) == nil
	}
	mac := hmac.New(sha256.New, []byte(k.secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (b *bybit) serverTime(c *call) *answer {
	return b.reply(c, bybitOK, "OK", map[string]string{
		"timeSecond": strconv.FormatInt(c.now.Unix(), 10),
		"timeNano":   strconv.FormatInt(c.now.UnixNano(), 10),
	})
}
