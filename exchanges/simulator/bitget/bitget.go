// Package bitget is the simulated Bitget.
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

// bitget plays the APIs of Bitget as documented at
// https://www.bitget.com/api-doc/common/intro and
// https://www.bitget.com/api-doc/uta/intro. One host serves three surfaces for
// minting keys; the kind of the calling account decides which one it may use.
// Where the documentation leaves a rule open, it does the strictest thing that
// the documentation allows.
type bitget struct {
	// The master accounts that are not in unified mode.
	classicMaster, brokerMaster string
}

// Venue is the simulated Bitget.
func Venue() venue.Listing { return venue.Listing{Name: "bitget", New: newBitget} }

func newBitget() venue.Rules { return &bitget{} }

// bitgetWindow is how far a request's timestamp may be off, either way.
const bitgetWindow = 30 * time.Second

// bitgetUIDDigits is how long the numbers of accounts are.
const bitgetUIDDigits = 10

// bitgetManageSubs is the right to manage sub-accounts, as version 2 of the API
// shows it.
const bitgetManageSubs = "chow"

func (b *bitget) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	unified := books.AddAccount(&venue.Account{ID: venue.RandomNumber(bitgetUIDDigits), Created: now})
	classic := books.AddAccount(&venue.Account{ID: venue.RandomNumber(bitgetUIDDigits), Created: now})
	broker := books.AddAccount(&venue.Account{ID: venue.RandomNumber(bitgetUIDDigits), Created: now})
	b.classicMaster, b.brokerMaster = classic.ID, broker.ID

	rights := []string{"read_write", "uta_mgt", "uta_trade"}
	authorities := []string{"stor", "chor", bitgetManageSubs}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Variant: "unified", Account: unified, Permissions: rights, IPs: venue.Loopback()},
		{Kind: "read_only", Variant: "unified", Account: unified, Permissions: []string{"read_only", "uta_mgt", "uta_trade"}, IPs: venue.Loopback()},
		{Kind: "no_right", Variant: "unified", Account: unified, Permissions: []string{"read_write", "uta_trade"}, IPs: venue.Loopback()},
		{Kind: "unbound", Variant: "unified", Account: unified, Permissions: rights},
		{Kind: "withdraw", Variant: "unified", Account: unified, Permissions: append(rights, "withdraw"), IPs: venue.Loopback()},
		{Kind: "rsa", Variant: "unified", Account: unified, Permissions: rights, IPs: venue.Loopback(), Signer: rsaPair},
		{Kind: "classic", Variant: "classic", Account: classic, Permissions: authorities, IPs: venue.Loopback()},
		{Kind: "classic_no_right", Variant: "classic", Account: classic, Permissions: []string{"stor", "chor"}, IPs: venue.Loopback()},
		{Kind: "classic_unbound", Variant: "classic", Account: classic, Permissions: authorities},
		{Kind: "broker", Variant: "broker", Account: broker, Permissions: authorities, IPs: venue.Loopback()},
		// A good key of an account that is no broker's.
		{Kind: "broker_no_right", Variant: "broker", Account: classic, Permissions: authorities, IPs: venue.Loopback()},
		{Kind: "broker_unbound", Variant: "broker", Account: broker, Permissions: authorities},
	} {
		root.APIKey, root.Passphrase = bitgetKeyText(), "Root"+venue.RandomText(12, venue.Digits)
		root.Label, root.Created = "root", now
		if root.Signer == nil {
			root.Secret = venue.RandomText(64, venue.LowerHex)
		}
		books.AddKey(&root)
	}
}

func bitgetKeyText() string { return "bg_" + venue.RandomText(32, venue.LowerHex) }

func (b *bitget) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(bitgetUIDDigits), Name: venue.RandomText(8, venue.LowerCase) + "@virtual-bitget.com", Parent: master, Created: now,
	})
}

func (b *bitget) Routes() []venue.Route {
	// Besides the limit of its own, every request counts against one on all.
	limits := func(quota int) []venue.Limit {
		overall := venue.Limit{Quota: 6000, Window: time.Minute, By: venue.PerAddress, Bucket: "all"}
		return []venue.Limit{overall, {Quota: quota, Window: time.Second}}
	}
	unified, classic, broker := bitgetUnified(), bitgetClassic(), bitgetBroker()
	const v2User, v3User, brokerKeys = "/api/v2/user/", "/api/v3/user/", "/api/v2/broker/manage/"
	edit := venue.Route{
		Pattern: "POST " + v2User + "modify-virtual-subaccount-apikey", Operation: exchanges.OpEditKey,
		Permit: b.mayManageClassic, Handle: b.editKey, Limits: limits(5),
	}
	edit.Choose = func(c *venue.Call) venue.Route {
		if b.empties(c) {
			// The nearest to a deletion that there is.
			deletion := edit
			deletion.Operation = exchanges.OpDeleteKey
			return deletion
		}
		return edit
	}
	return []venue.Route{
		{
			Pattern: "GET /api/v2/public/time", Operation: exchanges.OpServerTime, Public: true, Handle: b.serverTime,
			Limits: []venue.Limit{{Quota: 20, Window: time.Second, By: venue.PerAddress}},
		},
		{Pattern: "GET /api/v3/account/info", Operation: exchanges.OpInspect, Permit: b.unifiedOnly, Handle: b.infoV3, Limits: limits(5)},
		{Pattern: "GET /api/v2/spot/account/info", Operation: exchanges.OpInspect, Permit: b.notUnified, Handle: b.infoV2, Limits: limits(1)},
		{Pattern: "GET /api/v2/broker/account/info", Operation: venue.OpOther, Permit: b.brokerOnly, Handle: b.brokerInfo, Limits: limits(10)},

		{Pattern: "GET " + v3User + "sub-list", Operation: exchanges.OpSubAccounts, Permit: b.mayListUnified, Handle: b.listUnifiedSubs, Limits: limits(10)},
		{Pattern: "GET " + v2User + "virtual-subaccount-list", Operation: exchanges.OpSubAccounts, Permit: b.mayManageClassic, Handle: b.listClassicSubs, Limits: limits(1)},
		{Pattern: "GET /api/v2/broker/account/subaccount-list", Operation: exchanges.OpSubAccounts, Permit: b.brokerOnly, Handle: b.listBrokerSubs, Limits: limits(1)},

		{Pattern: "POST " + v3User + "create-sub-api", Operation: exchanges.OpCreateKey, Permit: b.mayManageUnified, Handle: b.create(unified), Limits: limits(10)},
		{Pattern: "GET " + v3User + "sub-api-list", Operation: exchanges.OpListKeys, Permit: b.mayListUnified, Handle: b.listUnified, Limits: limits(10)},
		{Pattern: "POST " + v3User + "delete-sub-api", Operation: exchanges.OpDeleteKey, Permit: b.mayManageUnified, Handle: b.deleteUnified, Limits: limits(10)},

		{Pattern: "POST " + v2User + "create-virtual-subaccount-apikey", Operation: exchanges.OpCreateKey, Permit: b.mayManageClassic, Handle: b.create(classic), Limits: limits(5)},
		{Pattern: "GET " + v2User + "virtual-subaccount-apikey-list", Operation: exchanges.OpListKeys, Permit: b.mayManageClassic, Handle: b.list(classic), Limits: limits(5)},
		edit,

		{Pattern: "POST " + brokerKeys + "create-subaccount-apikey", Operation: exchanges.OpCreateKey, Permit: b.brokerOnly, Handle: b.create(broker), Limits: limits(10)},
		{Pattern: "GET " + brokerKeys + "subaccount-apikey-list", Operation: exchanges.OpListKeys, Permit: b.brokerOnly, Handle: b.list(broker), Limits: limits(10)},
		{Pattern: "POST " + brokerKeys + "delete-subaccount-apikey", Operation: exchanges.OpDeleteKey, Permit: b.brokerOnly, Handle: b.deleteBroker, Limits: limits(10)},

		{Pattern: "GET /api/v3/trade/unfilled-orders", Operation: exchanges.OpUseKey, Permit: b.unifiedNeeds(false, "uta_trade"), Handle: b.openOrders, Limits: limits(20)},
		{Pattern: "GET /api/v3/account/assets", Operation: exchanges.OpUseKey, Permit: b.unifiedNeeds(false, "uta_mgt"), Handle: b.assets, Limits: limits(20)},
		{Pattern: "POST /api/v3/trade/place-order", Operation: exchanges.OpUseKey, Permit: b.unifiedNeeds(true, "uta_trade"), Handle: b.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v3/account/transfer", Operation: exchanges.OpUseKey, Permit: b.unifiedNeeds(true, "uta_mgt"), Handle: b.transfer, Limits: limits(5)},
		{Pattern: "POST /api/v3/account/withdrawal", Operation: exchanges.OpUseKey, Permit: b.unifiedNeeds(true, "withdraw"), Handle: b.transfer, Limits: limits(5)},

		{Pattern: "GET /api/v2/spot/account/assets", Operation: exchanges.OpUseKey, Permit: b.mayRead, Handle: b.assets, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/trade/place-order", Operation: exchanges.OpUseKey, Permit: b.needs("spot_trade"), Handle: b.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/margin/crossed/place-order", Operation: exchanges.OpUseKey, Permit: b.needs("margin_trade"), Handle: b.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/mix/order/place-order", Operation: exchanges.OpUseKey, Permit: b.needs("contract_trade", "contract_order"), Handle: b.placeOrder, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/wallet/transfer", Operation: exchanges.OpUseKey, Permit: b.needs("transfer", "wallet_transfer"), Handle: b.transfer, Limits: limits(10)},
		{Pattern: "POST /api/v2/spot/wallet/withdrawal", Operation: exchanges.OpUseKey, Permit: b.needs("wwow"), Handle: b.transfer, Limits: limits(5)},
	}
}

// ok answers with data in Bitget's envelope.
func (b *bitget) ok(c *venue.Call, data any) *venue.Answer {
	return b.envelope(c, http.StatusOK, bitgetSuccess, "success", data)
}

// refuse builds the documented answer for a code.
func (b *bitget) refuse(c *venue.Call, code string, params ...any) *venue.Answer {
	status := http.StatusBadRequest
	if code == bitgetTooManyRequests {
		status = http.StatusTooManyRequests
	}
	return b.envelope(c, status, code, fmt.Sprintf(bitgetMessage(code), params...), nil)
}

func (b *bitget) envelope(c *venue.Call, status int, code, message string, data any) *venue.Answer {
	a := venue.JSONAnswer(status, map[string]any{"code": code, "msg": message, "requestTime": c.Now.UnixMilli(), "data": data})
	for _, q := range c.Quotas {
		if q.Limit.By == venue.PerAccount {
			a.Set("x-mbx-used-remain-limit", strconv.Itoa(max(q.Remaining(), 0)))
		}
	}
	return a
}

func (b *bitget) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	switch why.Reason {
	case venue.Missing:
		return b.refuse(c, bitgetEmpty, why.Param)
	case venue.Malformed:
		return b.refuse(c, bitgetUnverified, why.Param)
	case venue.Unknown:
		return b.refuse(c, bitgetNoParameter, why.Param)
	}
	return b.refuse(c, bitgetBadParameter, why.Param)
}

func (b *bitget) RateLimited(c *venue.Call, _ venue.Quota) *venue.Answer {
	return b.refuse(c, bitgetTooManyRequests)
}

func (b *bitget) NotFound(c *venue.Call) *venue.Answer {
	a := b.refuse(c, bitgetNoURL)
	a.Status = http.StatusNotFound
	return a
}

// Authenticate follows https://www.bitget.com/api-doc/common/signature.
func (b *bitget) Authenticate(c *venue.Call) (*venue.Key, *venue.Answer) {
	for _, required := range []struct{ header, code string }{
		{"ACCESS-KEY", bitgetNoKeyHeader}, {"ACCESS-SIGN", bitgetNoSignature},
		{"ACCESS-PASSPHRASE", bitgetNoPassphrase}, {"ACCESS-TIMESTAMP", bitgetBadTimestamp},
	} {
		if c.Header.Get(required.header) == "" {
			return nil, b.refuse(c, required.code)
		}
	}
	timestamp := c.Header.Get("ACCESS-TIMESTAMP")
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return nil, b.refuse(c, bitgetBadTimestamp)
	}
	apiKey := c.Header.Get("ACCESS-KEY")
	caller := c.Books.Key(apiKey)
	switch {
	case c.Now.Sub(time.UnixMilli(sent)).Abs() > bitgetWindow:
		return nil, b.refuse(c, bitgetExpiredTimestamp)
	case !strings.HasPrefix(apiKey, "bg_"):
		return nil, b.refuse(c, bitgetBadKey)
	case caller == nil:
		return nil, b.refuse(c, bitgetUnknownKey)
	case c.Header.Get("ACCESS-PASSPHRASE") != caller.Passphrase:
		return nil, b.refuse(c, bitgetWrongPassphrase)
	case !bitgetVerifies(caller, timestamp+c.Method+c.RequestURI+string(c.Body), c.Header.Get("ACCESS-SIGN")):
		return nil, b.refuse(c, bitgetBadSignature)
	case !caller.Allows(c.Caller):
		return nil, b.refuse(c, bitgetBadAddress)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, b.refuse(c, bitgetBadContentType)
	}
	return caller, nil
}

// bitgetVerifies checks a signature: base64 of HMAC-SHA256, or of RSA PKCS #1
// v1.5 over SHA-256.
func bitgetVerifies(caller *venue.Key, signed, signature string) bool {
	if public, ok := caller.PublicKey().(*rsa.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], raw) == nil
	}
	mac := hmac.New(sha256.New, []byte(caller.Secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (b *bitget) serverTime(c *venue.Call) *venue.Answer {
	return b.ok(c, map[string]string{"serverTime": bitgetTime(c.Now)})
}

func bitgetTime(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
