package simulator

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// orderly plays the API of Orderly Network's main network as documented at
// https://orderly.network/docs/build-on-omnichain. A main account is a wallet's
// with one broker; its keys act for its sub-accounts as well. Where the
// documentation leaves a rule open, the strictest that it allows is played.
type orderly struct {
	removed []orderlyRemoved // oldest first
}

// orderlyRemoved is a key that is removed, of which the lists still tell.
type orderlyRemoved struct {
	*key
	at time.Time
}

func newOrderly() rules { return &orderly{} }

func (o *orderly) reset() { o.removed = nil }

// Error codes, from https://orderly.network/docs/build-on-omnichain/error-codes,
// and the last one as seen in use.
const (
	orderlyBadSignature = -1001
	orderlyUnauthorized = -1002
	orderlyTooMany      = -1003
	orderlyUnknownParam = -1004
	orderlyInvalid      = -1005
	orderlyMissing      = -1006
	orderlyDuplicate    = -1007
	orderlyNoBroker     = -1614
)

// The scopes of keys. Owner is what a wallet may do.
const (
	orderlyRead    = "read"
	orderlyTrading = "trading"
	orderlyAsset   = "asset"
	orderlyOwner   = "owner"
)

const (
	orderlyBroker = "woofi_pro"
	// orderlyRemoving is how long a removed key is REMOVING.
	orderlyRemoving = time.Second
	// orderlyWindow is how far a request's timestamp may be off.
	orderlyWindow = 300 * time.Second
	orderlyMaxAge = 365 * 24 * time.Hour
)

func (o *orderly) seed(books *books, now time.Time, _ func() crypto.Signer) {
	owner := newWallet()
	main := books.addAccount(&account{id: orderlyAccountID(owner.address(), orderlyBroker), name: randomNumber(5), created: now})
	books.addKey(&key{
		kind: mainRoot, apiKey: owner.address(), private: owner.private(), broker: orderlyBroker, account: main,
		permissions: []string{orderlyOwner}, created: now,
	})
	// An Orderly key that its owner takes for a root.
	pair := newEd25519()().(ed25519.PrivateKey)
	books.addKey(&key{
		kind: "no_right", apiKey: orderlyKeyText(pair.Public().(ed25519.PublicKey)), private: base58(pair.Seed()), account: main,
		public: pair.Public(), permissions: []string{orderlyRead, orderlyTrading, orderlyAsset}, created: now,
		expires: now.Add(orderlyMaxAge),
	})
	// A wallet without an account.
	stranger := newWallet()
	nobody := books.addAccount(&account{id: "wallet " + stranger.address(), created: now})
	books.addKey(&key{
		kind: "unregistered", apiKey: stranger.address(), private: stranger.private(), broker: orderlyBroker, account: nobody, created: now,
	})
}

// orderlyAccountID derives the id of a main account as the documentation says.
func orderlyAccountID(address, broker string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(address, "0x"))
	if err != nil || len(raw) != 20 {
		return ""
	}
	word := append(make([]byte, 12), raw...)
	return "0x" + hex.EncodeToString(keccak(append(word, keccak([]byte(broker))...)))
}

func (o *orderly) addSubAccount(books *books, now time.Time, master *account) *account {
	number := strconv.Itoa(len(books.subAccounts(master)) + 1)
	return books.addAccount(&account{
		id: "0x" + hex.EncodeToString(keccak([]byte(master.id+number))), name: randomNumber(5), remark: "desk" + number,
		parent: master, created: now,
	})
}

func (o *orderly) routes() []route {
	each := func(quota int, window time.Duration, by scope) []limit {
		return []limit{{quota: quota, window: window, by: by}}
	}
	perIP := each(10, time.Second, perAddress)
	perMinute, perSecond := each(10, time.Minute, perAccount), each(10, time.Second, perAccount)
	return []route{
		{pattern: "GET /v1/public/system_info", operation: exchanges.OpServerTime, public: true, handle: o.systemInfo, limits: each(1, time.Second, perAddress)},
		{pattern: "GET /v1/get_account", operation: exchanges.OpInspect, public: true, handle: o.getAccount, limits: perIP},
		{pattern: "GET /v1/get_orderly_key", operation: opOther, public: true, handle: o.getKey, limits: perIP},
		{pattern: "POST /v1/orderly_key", choose: o.chooseAddKey},
		{pattern: "GET /v1/client/info", operation: exchanges.OpInspect, handle: o.clientInfo, limits: perMinute},
		{pattern: "GET /v1/client/sub_account", operation: exchanges.OpSubAccounts, permit: o.mainOnly, handle: o.listSubAccounts, limits: perSecond},
		{pattern: "POST /v1/client/add_sub_account", operation: opOther, permit: o.mainOnly, handle: o.createSubAccount, limits: perSecond},
		{pattern: "GET /v1/client/key_info", operation: exchanges.OpListKeys, permit: o.needs(orderlyRead), handle: o.listKeys, limits: perMinute},
		{pattern: "POST /v1/client/remove_orderly_key", operation: exchanges.OpDeleteKey, permit: o.manages, handle: o.removeKey, limits: perIP},
		{pattern: "POST /v1/client/set_orderly_key_ip_restriction", operation: exchanges.OpEditKey, permit: o.manages, handle: o.restrictKey, limits: perMinute},
		{pattern: "POST /v1/client/reset_orderly_key_ip_restriction", operation: exchanges.OpEditKey, permit: o.manages, handle: o.unrestrictKey, limits: perMinute},

		{pattern: "GET /v1/client/holding", operation: exchanges.OpUseKey, permit: o.needs(orderlyRead), handle: o.holding, limits: perSecond},
		{pattern: "POST /v1/client/leverage", operation: exchanges.OpUseKey, permit: o.needs(orderlyRead), handle: o.leverage, limits: perSecond},
		{pattern: "POST /v1/order", operation: exchanges.OpUseKey, permit: o.needs(orderlyTrading), handle: o.order, limits: perSecond},
		{pattern: "POST /v1/internal_transfer", operation: exchanges.OpUseKey, permit: o.needs(orderlyAsset), handle: o.transfer, limits: perSecond},
		{pattern: "POST /v1/withdraw_request", operation: exchanges.OpUseKey, permit: o.needs(orderlyAsset), handle: o.withdraw, limits: perSecond},
	}
}

// chooseAddKey tells keys of sub-accounts, which are minted, from those of a
// main account, which belong to its owner.
func (o *orderly) chooseAddKey(c *call) route {
	chosen := route{
		pattern: "POST /v1/orderly_key", operation: opOther, public: true, handle: o.addKey,
		limits: []limit{{quota: 10, window: time.Second, by: perAddress}},
	}
	if r, err := readRegistration(c.body); err == nil && r.Message.SubAccountID != "" {
		chosen.operation = exchanges.OpCreateKey
	}
	return chosen
}

// ok answers with data; nil for none.
func (o *orderly) ok(c *call, data any) *answer {
	body := map[string]any{"success": true, "timestamp": c.now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return jsonAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text.
func (o *orderly) refuse(code int, message string) *answer {
	status := http.StatusBadRequest
	switch code {
	case orderlyBadSignature, orderlyUnauthorized:
		status = http.StatusUnauthorized
	case orderlyTooMany:
		status = http.StatusTooManyRequests
	case orderlyDuplicate:
		status = http.StatusConflict
	}
	return jsonAnswer(status, map[string]any{"success": false, "code": code, "message": message})
}

func (o *orderly) badParameter(why *complaint) *answer {
	code := orderlyInvalid
	if why.reason == unknown {
		code = orderlyUnknownParam
	}
	return o.refuse(code, why.Error())
}

func (o *orderly) rateLimited(*call, quota) *answer {
	return o.refuse(orderlyTooMany, "Rate limit exceed.")
}

func (o *orderly) notFound(*call) *answer {
	return textAnswer(http.StatusNotFound, "text/plain", "404 page not found\n")
}

// unauthorized is the one answer for a key that is unknown, expired, removed,
// used from elsewhere, or lacks a scope.
func (o *orderly) unauthorized() *answer { return o.refuse(orderlyUnauthorized, "orderly key error") }

func (o *orderly) needs(scope string) func(*call) *answer {
	return func(c *call) *answer {
		if !c.key.has(scope) {
			return o.unauthorized()
		}
		return nil
	}
}

// manages permits keys with all scopes: which of them it takes is open.
func (o *orderly) manages(c *call) *answer {
	for _, scope := range []string{orderlyRead, orderlyTrading, orderlyAsset} {
		if !c.key.has(scope) {
			return o.unauthorized()
		}
	}
	return nil
}

// mainOnly permits keys of a main account that act for it.
func (o *orderly) mainOnly(c *call) *answer {
	if o.acting(c).parent != nil {
		return o.refuse(orderlyInvalid, "only the main account can do this")
	}
	return o.needs(orderlyRead)(c)
}

// acting is the account that a request acts for.
func (o *orderly) acting(c *call) *account {
	return c.books.account(c.Header.Get("orderly-account-id"))
}

// allows tells whether a key may be used from the address. Its list may hold
// ranges.
func (o *orderly) allows(k *key, address netip.Addr) bool {
	return len(k.ips) == 0 || slices.ContainsFunc(k.ips, func(entry string) bool {
		first, last, err := orderlyRange(entry)
		return err == nil && first.Compare(address) <= 0 && address.Compare(last) <= 0
	})
}

// orderlyRange reads an address, or two with a hyphen between them.
func orderlyRange(entry string) (first, last netip.Addr, err error) {
	from, to, isRange := strings.Cut(entry, "-")
	if !isRange {
		to = from
	}
	if first, err = netip.ParseAddr(from); err == nil {
		last, err = netip.ParseAddr(to)
	}
	return first, last, err
}

func (o *orderly) systemInfo(c *call) *answer {
	return o.ok(c, map[string]any{"status": 0, "msg": "System is functioning properly."})
}

func (o *orderly) getAccount(c *call) *answer {
	p := formParams(c.URL.RawQuery)
	p.require("address", "broker_id")
	address, broker, chain := p.text("address"), p.text("broker_id"), p.text("chain_type")
	p.check("chain_type", chain == "" || chain == "EVM")
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(why)
	}
	if broker != orderlyBroker {
		return o.refuse(orderlyNoBroker, "The broker id does not exist.")
	}
	found := c.books.account(orderlyAccountID(strings.ToLower(address), broker))
	if found == nil {
		return o.refuse(orderlyMissing, "account does not exist")
	}
	return o.ok(c, map[string]any{"user_id": found.name, "account_id": found.id})
}

func (o *orderly) clientInfo(c *call) *answer {
	acting := o.acting(c)
	return o.ok(c, map[string]any{
		"account_id": acting.id, "email": "", "account_mode": "FUTURES", "max_leverage": 20, "taker_fee_rate": 0.0, "maker_fee_rate": 0.0,
	})
}

func (o *orderly) listSubAccounts(c *call) *answer {
	main := o.acting(c)
	rows := []any{}
	for _, sub := range c.books.subAccounts(main) {
		rows = append(rows, map[string]string{"sub_account_id": sub.id, "description": sub.remark})
	}
	return o.ok(c, map[string]any{"main_account_id": main.id, "rows": rows})
}

func (o *orderly) createSubAccount(c *call) *answer {
	p := jsonParams(c.body)
	description := p.text("description")
	if why := p.strictComplaint(); why != nil {
		return o.badParameter(why)
	}
	sub := o.addSubAccount(c.books, c.now, o.acting(c))
	sub.remark = description
	return o.ok(c, map[string]string{"sub_account_id": sub.id, "description": sub.remark})
}
