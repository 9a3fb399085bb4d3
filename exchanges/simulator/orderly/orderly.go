// Package orderly is the simulated Orderly.
package orderly

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
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
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
	*venue.Key
	at time.Time
}

// Venue is the simulated Orderly.
func Venue() venue.Listing { return venue.Listing{Name: "orderly", New: newOrderly} }

func newOrderly() venue.Rules { return &orderly{} }

func (o *orderly) Reset() { o.removed = nil }

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

func (o *orderly) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	owner := venue.NewWallet()
	main := books.AddAccount(&venue.Account{ID: orderlyAccountID(owner.Address(), orderlyBroker), Name: venue.RandomNumber(5), Created: now})
	books.AddKey(&venue.Key{
		Kind: venue.MainRoot, APIKey: owner.Address(), Private: owner.Private(), Broker: orderlyBroker, Account: main,
		Permissions: []string{orderlyOwner}, Created: now,
	})
	// An Orderly key that its owner takes for a root.
	pair := venue.NewEd25519()().(ed25519.PrivateKey)
	books.AddKey(&venue.Key{
		Kind: "no_right", APIKey: orderlyKeyText(pair.Public().(ed25519.PublicKey)), Private: base58(pair.Seed()), Account: main,
		Public: pair.Public(), Permissions: []string{orderlyRead, orderlyTrading, orderlyAsset}, Created: now,
		Expires: now.Add(orderlyMaxAge),
	})
	// A wallet without an account.
	stranger := venue.NewWallet()
	nobody := books.AddAccount(&venue.Account{ID: "wallet " + stranger.Address(), Created: now})
	books.AddKey(&venue.Key{
		Kind: "unregistered", APIKey: stranger.Address(), Private: stranger.Private(), Broker: orderlyBroker, Account: nobody, Created: now,
	})
}

// orderlyAccountID derives the id of a main account as the documentation says.
func orderlyAccountID(address, broker string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(address, "0x"))
	if err != nil || len(raw) != 20 {
		return ""
	}
	word := append(make([]byte, 12), raw...)
	return "0x" + hex.EncodeToString(venue.Keccak(append(word, venue.Keccak([]byte(broker))...)))
}

func (o *orderly) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	number := strconv.Itoa(len(books.SubAccounts(master)) + 1)
	return books.AddAccount(&venue.Account{
		ID: "0x" + hex.EncodeToString(venue.Keccak([]byte(master.ID+number))), Name: venue.RandomNumber(5), Remark: "desk" + number,
		Parent: master, Created: now,
	})
}

func (o *orderly) Routes() []venue.Route {
	each := func(quota int, window time.Duration, by venue.Scope) []venue.Limit {
		return []venue.Limit{{Quota: quota, Window: window, By: by}}
	}
	perIP := each(10, time.Second, venue.PerAddress)
	perMinute, perSecond := each(10, time.Minute, venue.PerAccount), each(10, time.Second, venue.PerAccount)
	return []venue.Route{
		{Pattern: "GET /v1/public/system_info", Operation: exchanges.OpServerTime, Public: true, Handle: o.systemInfo, Limits: each(1, time.Second, venue.PerAddress)},
		{Pattern: "GET /v1/get_account", Operation: exchanges.OpInspect, Public: true, Handle: o.getAccount, Limits: perIP},
		{Pattern: "GET /v1/get_orderly_key", Operation: venue.OpOther, Public: true, Handle: o.getKey, Limits: perIP},
		{Pattern: "POST /v1/orderly_key", Choose: o.chooseAddKey},
		{Pattern: "GET /v1/client/info", Operation: exchanges.OpInspect, Handle: o.clientInfo, Limits: perMinute},
		{Pattern: "GET /v1/client/sub_account", Operation: exchanges.OpSubAccounts, Permit: o.mainOnly, Handle: o.listSubAccounts, Limits: perSecond},
		{Pattern: "POST /v1/client/add_sub_account", Operation: venue.OpOther, Permit: o.mainOnly, Handle: o.createSubAccount, Limits: perSecond},
		{Pattern: "GET /v1/client/key_info", Operation: exchanges.OpListKeys, Permit: o.needs(orderlyRead), Handle: o.listKeys, Limits: perMinute},
		{Pattern: "POST /v1/client/remove_orderly_key", Operation: exchanges.OpDeleteKey, Permit: o.manages, Handle: o.removeKey, Limits: perIP},
		{Pattern: "POST /v1/client/set_orderly_key_ip_restriction", Operation: exchanges.OpEditKey, Permit: o.manages, Handle: o.restrictKey, Limits: perMinute},
		{Pattern: "POST /v1/client/reset_orderly_key_ip_restriction", Operation: exchanges.OpEditKey, Permit: o.manages, Handle: o.unrestrictKey, Limits: perMinute},

		{Pattern: "GET /v1/client/holding", Operation: exchanges.OpUseKey, Permit: o.needs(orderlyRead), Handle: o.holding, Limits: perSecond},
		{Pattern: "POST /v1/client/leverage", Operation: exchanges.OpUseKey, Permit: o.needs(orderlyRead), Handle: o.leverage, Limits: perSecond},
		{Pattern: "POST /v1/order", Operation: exchanges.OpUseKey, Permit: o.needs(orderlyTrading), Handle: o.order, Limits: perSecond},
		{Pattern: "POST /v1/internal_transfer", Operation: exchanges.OpUseKey, Permit: o.needs(orderlyAsset), Handle: o.transfer, Limits: perSecond},
		{Pattern: "POST /v1/withdraw_request", Operation: exchanges.OpUseKey, Permit: o.needs(orderlyAsset), Handle: o.withdraw, Limits: perSecond},
	}
}

// chooseAddKey tells keys of sub-accounts, which are minted, from those of a
// main account, which belong to its owner.
func (o *orderly) chooseAddKey(c *venue.Call) venue.Route {
	chosen := venue.Route{
		Pattern: "POST /v1/orderly_key", Operation: venue.OpOther, Public: true, Handle: o.addKey,
		Limits: []venue.Limit{{Quota: 10, Window: time.Second, By: venue.PerAddress}},
	}
	if r, err := readRegistration(c.Body); err == nil && r.Message.SubAccountID != "" {
		chosen.Operation = exchanges.OpCreateKey
	}
	return chosen
}

// ok answers with data; nil for none.
func (o *orderly) ok(c *venue.Call, data any) *venue.Answer {
	body := map[string]any{"success": true, "timestamp": c.Now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return venue.JSONAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text.
func (o *orderly) refuse(code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	switch code {
	case orderlyBadSignature, orderlyUnauthorized:
		status = http.StatusUnauthorized
	case orderlyTooMany:
		status = http.StatusTooManyRequests
	case orderlyDuplicate:
		status = http.StatusConflict
	}
	return venue.JSONAnswer(status, map[string]any{"success": false, "code": code, "message": message})
}

func (o *orderly) badParameter(why *venue.Complaint) *venue.Answer {
	code := orderlyInvalid
	if why.Reason == venue.Unknown {
		code = orderlyUnknownParam
	}
	return o.refuse(code, why.Error())
}

func (o *orderly) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return o.refuse(orderlyTooMany, "Rate limit exceed.")
}

func (o *orderly) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "404 page not found\n")
}

// unauthorized is the one answer for a key that is unknown, expired, removed,
// used from elsewhere, or lacks a scope.
func (o *orderly) unauthorized() *venue.Answer {
	return o.refuse(orderlyUnauthorized, "orderly key error")
}

func (o *orderly) needs(scope string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(scope) {
			return o.unauthorized()
		}
		return nil
	}
}

// manages permits keys with all scopes: which of them it takes is open.
func (o *orderly) manages(c *venue.Call) *venue.Answer {
	for _, scope := range []string{orderlyRead, orderlyTrading, orderlyAsset} {
		if !c.Key.Has(scope) {
			return o.unauthorized()
		}
	}
	return nil
}

// mainOnly permits keys of a main account that act for it.
func (o *orderly) mainOnly(c *venue.Call) *venue.Answer {
	if o.acting(c).Parent != nil {
		return o.refuse(orderlyInvalid, "only the main account can do this")
	}
	return o.needs(orderlyRead)(c)
}

// acting is the account that a request acts for.
func (o *orderly) acting(c *venue.Call) *venue.Account {
	return c.Books.Account(c.Header.Get("orderly-account-id"))
}

// allows tells whether a key may be used from the address. Its list may hold
// ranges.
func (o *orderly) allows(k *venue.Key, address netip.Addr) bool {
	return len(k.IPs) == 0 || slices.ContainsFunc(k.IPs, func(entry string) bool {
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

func (o *orderly) systemInfo(c *venue.Call) *venue.Answer {
	return o.ok(c, map[string]any{"status": 0, "msg": "System is functioning properly."})
}

func (o *orderly) getAccount(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("address", "broker_id")
	address, broker, chain := p.Text("address"), p.Text("broker_id"), p.Text("chain_type")
	p.Check("chain_type", chain == "" || chain == "EVM")
	if why := p.StrictComplaint(); why != nil {
		return o.badParameter(why)
	}
	if broker != orderlyBroker {
		return o.refuse(orderlyNoBroker, "The broker id does not exist.")
	}
	found := c.Books.Account(orderlyAccountID(strings.ToLower(address), broker))
	if found == nil {
		return o.refuse(orderlyMissing, "account does not exist")
	}
	return o.ok(c, map[string]any{"user_id": found.Name, "account_id": found.ID})
}

func (o *orderly) clientInfo(c *venue.Call) *venue.Answer {
	acting := o.acting(c)
	return o.ok(c, map[string]any{
		"account_id": acting.ID, "email": "", "account_mode": "FUTURES", "max_leverage": 20, "taker_fee_rate": 0.0, "maker_fee_rate": 0.0,
	})
}

func (o *orderly) listSubAccounts(c *venue.Call) *venue.Answer {
	main := o.acting(c)
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(main) {
		rows = append(rows, map[string]string{"sub_account_id": sub.ID, "description": sub.Remark})
	}
	return o.ok(c, map[string]any{"main_account_id": main.ID, "rows": rows})
}

func (o *orderly) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	description := p.Text("description")
	if why := p.StrictComplaint(); why != nil {
		return o.badParameter(why)
	}
	sub := o.AddSubAccount(c.Books, c.Now, o.acting(c))
	sub.Remark = description
	return o.ok(c, map[string]string{"sub_account_id": sub.ID, "description": sub.Remark})
}
