// Package bitget plays the APIs of Bitget as documented at
// https://www.bitget.com/api-doc/common/intro and
// https://www.bitget.com/api-doc/uta/intro. One host serves three surfaces for
// minting keys; the kind of the calling account decides which one it may use.
// Where the documentation leaves a rule open, it does the strictest thing that
// the documentation allows.
package bitget

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Bitget, with the state that the books do not hold.
type exchange struct {
	// The master accounts that are not in unified mode.
	classicMaster, brokerMaster string
}

// Venue is the simulated Bitget.
func Venue() venue.Listing { return venue.Listing{Name: "bitget", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// window is how far a request's timestamp may be off, either way.
const window = 30 * time.Second

// uidDigits is the number of digits in an account's number.
const uidDigits = 10

// manageSubs is the right to manage sub-accounts, as version 2 of the API
// shows it.
const manageSubs = "chow"

func (e *exchange) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	unified := books.AddAccount(&venue.Account{ID: venue.RandomNumber(uidDigits), Created: now})
	classic := books.AddAccount(&venue.Account{ID: venue.RandomNumber(uidDigits), Created: now})
	broker := books.AddAccount(&venue.Account{ID: venue.RandomNumber(uidDigits), Created: now})
	e.classicMaster, e.brokerMaster = classic.ID, broker.ID

	rights := []string{"read_write", "uta_mgt", "uta_trade"}
	authorities := []string{"stor", "chor", manageSubs}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Variant: unifiedVariant, Account: unified, Permissions: rights, IPs: venue.Loopback()},
		{Kind: "read_only", Variant: unifiedVariant, Account: unified, Permissions: []string{"read_only", "uta_mgt", "uta_trade"}, IPs: venue.Loopback()},
		{Kind: "no_right", Variant: unifiedVariant, Account: unified, Permissions: []string{"read_write", "uta_trade"}, IPs: venue.Loopback()},
		{Kind: "unbound", Variant: unifiedVariant, Account: unified, Permissions: rights},
		{Kind: "withdraw", Variant: unifiedVariant, Account: unified, Permissions: append(rights, "withdraw"), IPs: venue.Loopback()},
		{Kind: "rsa", Variant: unifiedVariant, Account: unified, Permissions: rights, IPs: venue.Loopback(), Signer: rsaPair},
		{Kind: "classic", Variant: classicVariant, Account: classic, Permissions: authorities, IPs: venue.Loopback()},
		{Kind: "classic_no_right", Variant: classicVariant, Account: classic, Permissions: []string{"stor", "chor"}, IPs: venue.Loopback()},
		{Kind: "classic_unbound", Variant: classicVariant, Account: classic, Permissions: authorities},
		{Kind: "broker", Variant: brokerVariant, Account: broker, Permissions: authorities, IPs: venue.Loopback()},
		// A good key of an account that is not a broker's.
		{Kind: "broker_no_right", Variant: brokerVariant, Account: classic, Permissions: authorities, IPs: venue.Loopback()},
		{Kind: "broker_unbound", Variant: brokerVariant, Account: broker, Permissions: authorities},
	} {
		root.APIKey, root.Passphrase = keyText(), "Root"+venue.RandomText(12, venue.Digits)
		root.Label, root.Created = "root", now
		if root.Signer == nil {
			root.Secret = venue.RandomText(64, venue.LowerHex)
		}
		books.AddKey(&root)
	}
}

func keyText() string { return "bg_" + venue.RandomText(32, venue.LowerHex) }

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(uidDigits), Name: venue.RandomText(8, venue.LowerCase) + "@virtual-bitget.com", Parent: master, Created: now,
	})
}

func (e *exchange) Routes() []venue.Route {
	// Besides its own limit, every request counts against one that all share.
	limits := func(quota int) []venue.Limit {
		overall := venue.Limit{Quota: 6000, Window: time.Minute, By: venue.PerAddress, Bucket: "all"}
		return []venue.Limit{overall, {Quota: quota, Window: time.Second}}
	}
	unified, classic, broker := unifiedSurface(), classicSurface(), brokerSurface()
	const v2User, v3User, brokerKeys = "/api/v2/user/", "/api/v3/user/", "/api/v2/broker/manage/"
	edit := venue.Route{
		Pattern: "POST " + v2User + "modify-virtual-subaccount-apikey", Operation: exchanges.OpEditKey,
		Permit: e.mayManageClassic, Handle: e.editKey, Limits: limits(5),
	}
	edit.Choose = func(c *venue.Call) venue.Route {
		if e.empties(c) {
			// The closest thing to a deletion that Bitget has.
			deletion := edit
			deletion.Operation = exchanges.OpDeleteKey
			return deletion
		}
		return edit
	}
	return []venue.Route{
		{
			Pattern: "GET /api/v2/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime,
			Limits: []venue.Limit{{Quota: 20, Window: time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /api/v3/account/info", Operation: exchanges.OpInspect, Permit: e.unifiedOnly, Handle: e.infoV3, Limits: limits(5)},
		{Pattern: "GET /api/v2/spot/account/info", Operation: exchanges.OpInspect, Permit: e.notUnified, Handle: e.infoV2, Limits: limits(1)},
		{Pattern: "GET /api/v2/broker/account/info", Operation: venue.OpOther, Permit: e.brokerOnly, Handle: e.brokerInfo, Limits: limits(10)},

		{Pattern: "GET " + v3User + "sub-list", Operation: exchanges.OpSubAccounts, Permit: e.mayListUnified, Handle: e.listUnifiedSubs, Limits: limits(10)},
		{Pattern: "GET " + v2User + "virtual-subaccount-list", Operation: exchanges.OpSubAccounts, Permit: e.mayManageClassic, Handle: e.listClassicSubs, Limits: limits(1)},
		{Pattern: "GET /api/v2/broker/account/subaccount-list", Operation: exchanges.OpSubAccounts, Permit: e.brokerOnly, Handle: e.listBrokerSubs, Limits: limits(1)},

		{Pattern: "POST " + v3User + "create-sub-api", Operation: exchanges.OpCreateKey, Permit: e.mayManageUnified, Handle: e.create(unified), Limits: limits(10)},
		{Pattern: "GET " + v3User + "sub-api-list", Operation: exchanges.OpListKeys, Permit: e.mayListUnified, Handle: e.listUnified, Limits: limits(10)},
		{Pattern: "POST " + v3User + "delete-sub-api", Operation: exchanges.OpDeleteKey, Permit: e.mayManageUnified, Handle: e.deleteUnified, Limits: limits(10)},

		{Pattern: "POST " + v2User + "create-virtual-subaccount-apikey", Operation: exchanges.OpCreateKey, Permit: e.mayManageClassic, Handle: e.create(classic), Limits: limits(5)},
		{Pattern: "GET " + v2User + "virtual-subaccount-apikey-list", Operation: exchanges.OpListKeys, Permit: e.mayManageClassic, Handle: e.list(classic), Limits: limits(5)},
		edit,

		{Pattern: "POST " + brokerKeys + "create-subaccount-apikey", Operation: exchanges.OpCreateKey, Permit: e.brokerOnly, Handle: e.create(broker), Limits: limits(10)},
		{Pattern: "GET " + brokerKeys + "subaccount-apikey-list", Operation: exchanges.OpListKeys, Permit: e.brokerOnly, Handle: e.list(broker), Limits: limits(10)},
		{Pattern: "POST " + brokerKeys + "delete-subaccount-apikey", Operation: exchanges.OpDeleteKey, Permit: e.brokerOnly, Handle: e.deleteBroker, Limits: limits(10)},

		{Pattern: "GET /api/v3/trade/unfilled-orders", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(false, "uta_trade"), Handle: e.openOrders, Limits: limits(20)},
		{Pattern: "GET /api/v3/account/assets", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(false, "uta_mgt"), Handle: e.assets, Limits: limits(20)},
		{Pattern: "POST /api/v3/trade/place-order", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(true, "uta_trade"), Handle: e.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v3/trade/cancel-order", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(true, "uta_trade"), Handle: e.cancelOrder, Limits: limits(10)},
		{Pattern: "POST /api/v3/account/transfer", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(true, "uta_mgt"), Handle: e.transfer, Limits: limits(5)},
		{Pattern: "POST /api/v3/account/withdrawal", Operation: exchanges.OpUseKey, Permit: e.unifiedNeeds(true, "withdraw"), Handle: e.transfer, Limits: limits(5)},

		{Pattern: "GET /api/v2/spot/account/assets", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.assets, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/trade/place-order", Operation: exchanges.OpUseKey, Permit: e.needs("spot_trade"), Handle: e.placeOrder, Limits: limits(10)},
		{Pattern: "GET /api/v2/spot/trade/unfilled-orders", Operation: exchanges.OpUseKey, Permit: e.mayRead, Handle: e.openOrders, Limits: limits(20)},
		{Pattern: "POST /api/v2/spot/trade/cancel-order", Operation: exchanges.OpUseKey, Permit: e.needs("spot_trade"), Handle: e.cancelOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/margin/crossed/place-order", Operation: exchanges.OpUseKey, Permit: e.needs("margin_trade"), Handle: e.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/mix/order/place-order", Operation: exchanges.OpUseKey, Permit: e.needs("contract_trade", "contract_order"), Handle: e.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/wallet/transfer", Operation: exchanges.OpUseKey, Permit: e.needs("transfer", "wallet_transfer"), Handle: e.transfer, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/wallet/withdrawal", Operation: exchanges.OpUseKey, Permit: e.needs("wwow"), Handle: e.transfer, Limits: limits(5)},
	}
}

// ok answers with data in Bitget's envelope.
func (e *exchange) ok(c *venue.Call, data any) *venue.Answer {
	return e.envelope(c, http.StatusOK, success, "success", data)
}

// refuse builds the documented answer for a code.
func (e *exchange) refuse(c *venue.Call, code string, params ...any) *venue.Answer {
	httpStatus := http.StatusBadRequest
	if code == tooManyRequests {
		httpStatus = http.StatusTooManyRequests
	}
	return e.envelope(c, httpStatus, code, fmt.Sprintf(message(code), params...), nil)
}

func (e *exchange) envelope(c *venue.Call, httpStatus int, code, text string, data any) *venue.Answer {
	a := venue.JSONAnswer(httpStatus, map[string]any{"code": code, "msg": text, "requestTime": c.Now.UnixMilli(), "data": data})
	for _, q := range c.Quotas {
		if q.Limit.By == venue.PerAccount {
			a.Set("x-mbx-used-remain-limit", strconv.Itoa(max(q.Remaining(), 0)))
		}
	}
	return a
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	switch why.Reason {
	case venue.Missing:
		return e.refuse(c, empty, why.Param)
	case venue.Malformed:
		return e.refuse(c, unverified, why.Param)
	case venue.Unknown:
		return e.refuse(c, noParameter, why.Param)
	}
	return e.refuse(c, badParameter, why.Param)
}

func (e *exchange) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return e.refuse(c, tooManyRequests)
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	a := e.refuse(c, noURL)
	a.Status = http.StatusNotFound
	return a
}

// Authenticate follows https://www.bitget.com/api-doc/common/signature.
func (e *exchange) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, required := range []struct{ header, code string }{
		{"ACCESS-KEY", noKeyHeader}, {"ACCESS-SIGN", noSignature},
		{"ACCESS-PASSPHRASE", noPassphrase}, {"ACCESS-TIMESTAMP", badTimestamp},
	} {
		if c.Header.Get(required.header) == "" {
			return nil, e.refuse(c, required.code)
		}
	}
	timestamp := c.Header.Get("ACCESS-TIMESTAMP")
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return nil, e.refuse(c, badTimestamp)
	}
	apiKey := c.Header.Get("ACCESS-KEY")
	caller := c.Books.Key(apiKey)
	switch {
	case c.Now.Sub(time.UnixMilli(sent)).Abs() > window:
		return nil, e.refuse(c, expiredTimestamp)
	case !strings.HasPrefix(apiKey, "bg_"):
		return nil, e.refuse(c, badKey)
	case caller == nil:
		return nil, e.refuse(c, unknownKey)
	case c.Header.Get("ACCESS-PASSPHRASE") != caller.Passphrase:
		return nil, e.refuse(c, wrongPassphrase)
	case !verifies(caller, timestamp+c.Method+c.RequestURI+string(c.Body), c.Header.Get("ACCESS-SIGN")):
		return nil, e.refuse(c, badSignature)
	case !caller.Allows(c.Caller):
		return nil, e.refuse(c, badAddress)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, e.refuse(c, badContentType)
	}
	return caller, nil
}

// verifies checks a signature: base64 of HMAC-SHA256, or of RSA PKCS #1
// v1.5 over SHA-256.
func verifies(caller *venue.Key, signed, signature string) bool {
	if public, ok := caller.PublicKey().(*rsa.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], raw) == nil
	}
	mac := hmac.New(sha256.New, []byte(caller.Secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]string{"serverTime": millis(c.Now)})
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
