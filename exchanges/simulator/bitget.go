package simulator

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

func newBitget() rules { return &bitget{} }

// bitgetWindow is how far a request's timestamp may be off, either way.
const bitgetWindow = 30 * time.Second

// bitgetUIDDigits is how long the numbers of accounts are.
const bitgetUIDDigits = 10

// bitgetManageSubs is the right to manage sub-accounts, as version 2 of the API
// shows it.
const bitgetManageSubs = "chow"

func (b *bitget) seed(books *books, now time.Time, rsaPair func() crypto.Signer) {
	unified := books.addAccount(&account{id: randomNumber(bitgetUIDDigits), created: now})
	classic := books.addAccount(&account{id: randomNumber(bitgetUIDDigits), created: now})
	broker := books.addAccount(&account{id: randomNumber(bitgetUIDDigits), created: now})
	b.classicMaster, b.brokerMaster = classic.id, broker.id

	rights := []string{"read_write", "uta_mgt", "uta_trade"}
	authorities := []string{"stor", "chor", bitgetManageSubs}
	for _, root := range []key{
		{kind: mainRoot, variant: "unified", account: unified, permissions: rights, ips: loopback()},
		{kind: "read_only", variant: "unified", account: unified, permissions: []string{"read_only", "uta_mgt", "uta_trade"}, ips: loopback()},
		{kind: "no_right", variant: "unified", account: unified, permissions: []string{"read_write", "uta_trade"}, ips: loopback()},
		{kind: "unbound", variant: "unified", account: unified, permissions: rights},
		{kind: "withdraw", variant: "unified", account: unified, permissions: append(rights, "withdraw"), ips: loopback()},
		{kind: "rsa", variant: "unified", account: unified, permissions: rights, ips: loopback(), signer: rsaPair},
		{kind: "classic", variant: "classic", account: classic, permissions: authorities, ips: loopback()},
		{kind: "classic_no_right", variant: "classic", account: classic, permissions: []string{"stor", "chor"}, ips: loopback()},
		{kind: "classic_unbound", variant: "classic", account: classic, permissions: authorities},
		{kind: "broker", variant: "broker", account: broker, permissions: authorities, ips: loopback()},
		// A good key of an account that is no broker's.
		{kind: "broker_no_right", variant: "broker", account: classic, permissions: authorities, ips: loopback()},
		{kind: "broker_unbound", variant: "broker", account: broker, permissions: authorities},
	} {
		root.apiKey, root.passphrase = bitgetKeyText(), "Root"+randomText(12, digits)
		root.label, root.created = "root", now
		if root.signer == nil {
			root.secret = randomText(64, lowerHex)
		}
		books.addKey(&root)
	}
}

func bitgetKeyText() string { return "bg_" + randomText(32, lowerHex) }

func (b *bitget) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: randomNumber(bitgetUIDDigits), name: randomText(8, lowerCase) + "@virtual-bitget.com", parent: master, created: now,
	})
}

func (b *bitget) routes() []route {
	// Besides the limit of its own, every request counts against one on all.
	limits := func(quota int) []limit {
		overall := limit{quota: 6000, window: time.Minute, by: perAddress, bucket: "all"}
		return []limit{overall, {quota: quota, window: time.Second}}
	}
	unified, classic, broker := bitgetUnified(), bitgetClassic(), bitgetBroker()
	const v2User, v3User, brokerKeys = "/api/v2/user/", "/api/v3/user/", "/api/v2/broker/manage/"
	edit := route{
		pattern: "POST " + v2User + "modify-virtual-subaccount-apikey", operation: exchanges.OpEditKey,
		permit: b.mayManageClassic, handle: b.editKey, limits: limits(5),
	}
	edit.choose = func(c *call) route {
		if b.empties(c) {
			// The nearest to a deletion that there is.
			deletion := edit
			deletion.operation = exchanges.OpDeleteKey
			return deletion
		}
		return edit
	}
	return []route{
		{
			pattern: "GET /api/v2/public/time", operation: exchanges.OpServerTime, public: true, handle: b.serverTime,
			limits: []limit{{quota: 20, window: time.Second, by: perAddress}},
		},
		{pattern: "GET /api/v3/account/info", operation: exchanges.OpInspect, permit: b.unifiedOnly, handle: b.infoV3, limits: limits(5)},
		{pattern: "GET /api/v2/spot/account/info", operation: exchanges.OpInspect, permit: b.notUnified, handle: b.infoV2, limits: limits(1)},
		{pattern: "GET /api/v2/broker/account/info", operation: opOther, permit: b.brokerOnly, handle: b.brokerInfo, limits: limits(10)},

		{pattern: "GET " + v3User + "sub-list", operation: exchanges.OpSubAccounts, permit: b.mayListUnified, handle: b.listUnifiedSubs, limits: limits(10)},
		{pattern: "GET " + v2User + "virtual-subaccount-list", operation: exchanges.OpSubAccounts, permit: b.mayManageClassic, handle: b.listClassicSubs, limits: limits(1)},
		{pattern: "GET /api/v2/broker/account/subaccount-list", operation: exchanges.OpSubAccounts, permit: b.brokerOnly, handle: b.listBrokerSubs, limits: limits(1)},

		{pattern: "POST " + v3User + "create-sub-api", operation: exchanges.OpCreateKey, permit: b.mayManageUnified, handle: b.create(unified), limits: limits(10)},
		{pattern: "GET " + v3User + "sub-api-list", operation: exchanges.OpListKeys, permit: b.mayListUnified, handle: b.listUnified, limits: limits(10)},
		{pattern: "POST " + v3User + "delete-sub-api", operation: exchanges.OpDeleteKey, permit: b.mayManageUnified, handle: b.deleteUnified, limits: limits(10)},

		{pattern: "POST " + v2User + "create-virtual-subaccount-apikey", operation: exchanges.OpCreateKey, permit: b.mayManageClassic, handle: b.create(classic), limits: limits(5)},
		{pattern: "GET " + v2User + "virtual-subaccount-apikey-list", operation: exchanges.OpListKeys, permit: b.mayManageClassic, handle: b.list(classic), limits: limits(5)},
		edit,

		{pattern: "POST " + brokerKeys + "create-subaccount-apikey", operation: exchanges.OpCreateKey, permit: b.brokerOnly, handle: b.create(broker), limits: limits(10)},
		{pattern: "GET " + brokerKeys + "subaccount-apikey-list", operation: exchanges.OpListKeys, permit: b.brokerOnly, handle: b.list(broker), limits: limits(10)},
		{pattern: "POST " + brokerKeys + "delete-subaccount-apikey", operation: exchanges.OpDeleteKey, permit: b.brokerOnly, handle: b.deleteBroker, limits: limits(10)},

		{pattern: "GET /api/v3/trade/unfilled-orders", operation: exchanges.OpUseKey, permit: b.unifiedNeeds(false, "uta_trade"), handle: b.openOrders, limits: limits(20)},
		{pattern: "GET /api/v3/account/assets", operation: exchanges.OpUseKey, permit: b.unifiedNeeds(false, "uta_mgt"), handle: b.assets, limits: limits(20)},
		{pattern: "POST /api/v3/trade/place-order", operation: exchanges.OpUseKey, permit: b.unifiedNeeds(true, "uta_trade"), handle: b.placeOrder, limits: limits(10)},
		{pattern: "POST /api/v3/account/transfer", operation: exchanges.OpUseKey, permit: b.unifiedNeeds(true, "uta_mgt"), handle: b.transfer, limits: limits(5)},
		{pattern: "POST /api/v3/account/withdrawal", operation: exchanges.OpUseKey, permit: b.unifiedNeeds(true, "withdraw"), handle: b.transfer, limits: limits(5)},

		{pattern: "GET /api/v2/spot/account/assets", operation: exchanges.OpUseKey, permit: b.mayRead, handle: b.assets, limits: limits(10)},
		{pattern: "POST /api/v2/spot/trade/place-order", operation: exchanges.OpUseKey, permit: b.needs("spot_trade"), handle: b.placeOrder, limits: limits(10)},
		{pattern: "POST /api/v2/margin/crossed/place-order", operation: exchanges.OpUseKey, permit: b.needs("margin_trade"), handle: b.placeOrder, limits: limits(10)},
		{pattern: "POST /api/v2/mix/order/place-order", operation: exchanges.OpUseKey, permit: b.needs("contract_trade", "contract_order"), handle: b.placeOrder, limits: limits(10)},
		{pattern: "POST /api/v2/spot/wallet/transfer", operation: exchanges.OpUseKey, permit: b.needs("transfer", "wallet_transfer"), handle: b.transfer, limits: limits(10)},
		{pattern: "POST /api/v2/spot/wallet/withdrawal", operation: exchanges.OpUseKey, permit: b.needs("wwow"), handle: b.transfer, limits: limits(5)},
	}
}

// ok answers with data in Bitget's envelope.
func (b *bitget) ok(c *call, data any) *answer {
	return b.envelope(c, http.StatusOK, bitgetSuccess, "success", data)
}

// refuse builds the documented answer for a code.
func (b *bitget) refuse(c *call, code string, params ...any) *answer {
	status := http.StatusBadRequest
	if code == bitgetTooManyRequests {
		status = http.StatusTooManyRequests
	}
	return b.envelope(c, status, code, fmt.Sprintf(bitgetMessage(code), params...), nil)
}

func (b *bitget) envelope(c *call, status int, code, message string, data any) *answer {
	a := jsonAnswer(status, map[string]any{"code": code, "msg": message, "requestTime": c.now.UnixMilli(), "data": data})
	for _, q := range c.quotas {
		if q.limit.by == perAccount {
			a.set("x-mbx-used-remain-limit", strconv.Itoa(max(q.remaining(), 0)))
		}
	}
	return a
}

func (b *bitget) badParameter(c *call, why *complaint) *answer {
	switch why.reason {
	case missing:
		return b.refuse(c, bitgetEmpty, why.param)
	case malformed:
		return b.refuse(c, bitgetUnverified, why.param)
	case unknown:
		return b.refuse(c, bitgetNoParameter, why.param)
	}
	return b.refuse(c, bitgetBadParameter, why.param)
}

func (b *bitget) rateLimited(c *call, _ quota) *answer { return b.refuse(c, bitgetTooManyRequests) }

func (b *bitget) notFound(c *call) *answer {
	a := b.refuse(c, bitgetNoURL)
	a.status = http.StatusNotFound
	return a
}

// authenticate follows https://www.bitget.com/api-doc/common/signature.
func (b *bitget) authenticate(c *call) (*key, *answer) {
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
	caller := c.books.key(apiKey)
	switch {
	case c.now.Sub(time.UnixMilli(sent)).Abs() > bitgetWindow:
		return nil, b.refuse(c, bitgetExpiredTimestamp)
	case !strings.HasPrefix(apiKey, "bg_"):
		return nil, b.refuse(c, bitgetBadKey)
	case caller == nil:
		return nil, b.refuse(c, bitgetUnknownKey)
	case c.Header.Get("ACCESS-PASSPHRASE") != caller.passphrase:
		return nil, b.refuse(c, bitgetWrongPassphrase)
	case !bitgetVerifies(caller, timestamp+c.Method+c.RequestURI+string(c.body), c.Header.Get("ACCESS-SIGN")):
		return nil, b.refuse(c, bitgetBadSignature)
	case !caller.allows(c.caller):
		return nil, b.refuse(c, bitgetBadAddress)
	case c.Method == http.MethodPost && !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json"):
		return nil, b.refuse(c, bitgetBadContentType)
	}
	return caller, nil
}

// bitgetVerifies checks a signature: base64 of HMAC-SHA256, or of RSA PKCS #1
// v1.5 over SHA-256.
func bitgetVerifies(caller *key, signed, signature string) bool {
	if public, ok := caller.publicKey().(*rsa.PublicKey); ok {
		raw, err := base64.StdEncoding.DecodeString(signature)
		digest := sha256.Sum256([]byte(signed))
		return err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], raw) == nil
	}
	mac := hmac.New(sha256.New, []byte(caller.secret))
	mac.Write([]byte(signed))
	return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature))
}

func (b *bitget) serverTime(c *call) *answer {
	return b.ok(c, map[string]string{"serverTime": bitgetTime(c.now)})
}

func bitgetTime(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
