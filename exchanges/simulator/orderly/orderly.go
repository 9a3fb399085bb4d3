// Package orderly plays the API of Orderly Network's main network as documented
// at https://orderly.network/docs/build-on-omnichain. A main account belongs to
// one wallet with one broker; its keys also act for its sub-accounts. Where the
// documentation leaves a rule open, it does the strictest thing that the
// documentation allows.
package orderly

import (
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Orderly, with the state that the books do not hold.
type exchange struct {
	removed []removed // oldest first
}

// removed is a removed key that lists still show.
type removed struct {
	*venue.Key
	at time.Time
}

// Venue is the simulated Orderly.
func Venue() venue.Listing { return venue.Listing{Name: "orderly", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

func (e *exchange) Reset() { e.removed = nil }

// Error codes, from
// https://orderly.network/docs/build-on-omnichain/error-codes. The last one is
// as seen in use.
const (
	badSignature = -1001
	unauthorized = -1002
	tooMany      = -1003
	unknownParam = -1004
	invalid      = -1005
	missing      = -1006
	duplicate    = -1007
	noBroker     = -1614
)

// The scopes of keys. Owner stands for what a wallet may do.
const (
	readScope    = "read"
	tradingScope = "trading"
	assetScope   = "asset"
	ownerScope   = "owner"
)

const (
	brokerID = "woofi_pro"
	// removing is how long a removed key stays REMOVING.
	removing = time.Second
	// window is how far a request's timestamp may be off, either way.
	window = 300 * time.Second
	maxAge = 365 * 24 * time.Hour
)

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	owner := venue.NewWallet()
	main := books.AddAccount(&venue.Account{ID: accountID(owner.Address(), brokerID), Name: venue.RandomNumber(5), Created: now})
	books.AddKey(&venue.Key{
		Kind: venue.MainRoot, APIKey: owner.Address(), Private: owner.Private(), Broker: brokerID, Account: main,
		Permissions: []string{ownerScope}, Created: now,
	})
	// An Orderly key that its owner mistakes for a root.
	pair := venue.NewEd25519()().(ed25519.PrivateKey)
	books.AddKey(&venue.Key{
		Kind: "no_right", APIKey: keyText(pair.Public().(ed25519.PublicKey)), Private: base58(pair.Seed()), Account: main,
		Public: pair.Public(), Permissions: []string{readScope, tradingScope, assetScope}, Created: now,
		Expires: now.Add(maxAge),
	})
	// A wallet without an account.
	stranger := venue.NewWallet()
	nobody := books.AddAccount(&venue.Account{ID: "wallet " + stranger.Address(), Created: now})
	books.AddKey(&venue.Key{
		Kind: "unregistered", APIKey: stranger.Address(), Private: stranger.Private(), Broker: brokerID, Account: nobody, Created: now,
	})
}

// accountID derives the id of a main account as the documentation describes.
func accountID(address, broker string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(address, "0x"))
	if err != nil || len(raw) != 20 {
		return ""
	}
	word := append(make([]byte, 12), raw...)
	return "0x" + hex.EncodeToString(venue.Keccak(append(word, venue.Keccak([]byte(broker))...)))
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	number := strconv.Itoa(len(books.SubAccounts(master)) + 1)
	return books.AddAccount(&venue.Account{
		ID: "0x" + hex.EncodeToString(venue.Keccak([]byte(master.ID+number))), Name: venue.RandomNumber(5), Remark: "desk" + number,
		Parent: master, Created: now,
	})
}

func (e *exchange) Routes() []venue.Route {
	each := func(quota int, window time.Duration, by venue.Scope) []venue.Limit {
		return []venue.Limit{{Quota: quota, Window: window, By: by}}
	}
	perIP := each(10, time.Second, venue.PerAddress)
	perMinute, perSecond := each(10, time.Minute, venue.PerAccount), each(10, time.Second, venue.PerAccount)
	return []venue.Route{
		{Pattern: "GET /v1/public/system_info", Operation: exchanges.OpServerTime, Public: true, Handle: e.systemInfo, Limits: each(1, time.Second, venue.PerAddress)},
		{Pattern: "GET /v1/get_account", Operation: exchanges.OpInspect, Public: true, Handle: e.getAccount, Limits: perIP},
		{Pattern: "GET /v1/get_orderly_key", Operation: exchanges.OpCheckKey, Public: true, Handle: e.getKey, Limits: perIP},
		{Pattern: "POST /v1/orderly_key", Choose: e.chooseAddKey},
		{Pattern: "GET /v1/client/info", Operation: exchanges.OpInspect, Handle: e.clientInfo, Limits: perMinute},
		{Pattern: "GET /v1/client/sub_account", Operation: exchanges.OpSubAccounts, Permit: e.mainOnly, Handle: e.listSubAccounts, Limits: perSecond},
		{Pattern: "POST /v1/client/add_sub_account", Operation: venue.OpOther, Permit: e.mainOnly, Handle: e.createSubAccount, Limits: perSecond},
		{Pattern: "GET /v1/client/key_info", Operation: exchanges.OpListKeys, Permit: e.needs(readScope), Handle: e.listKeys, Limits: perMinute},
		{Pattern: "POST /v1/client/remove_orderly_key", Operation: exchanges.OpDeleteKey, Permit: e.manages, Handle: e.removeKey, Limits: perIP},
		{Pattern: "POST /v1/client/set_orderly_key_ip_restriction", Operation: exchanges.OpEditKey, Permit: e.manages, Handle: e.restrictKey, Limits: perMinute},
		{Pattern: "POST /v1/client/reset_orderly_key_ip_restriction", Operation: exchanges.OpEditKey, Permit: e.manages, Handle: e.unrestrictKey, Limits: perMinute},

		{Pattern: "GET /v1/client/holding", Operation: exchanges.OpUseKey, Permit: e.needs(readScope), Handle: e.holding, Limits: perSecond},
		{Pattern: "POST /v1/client/leverage", Operation: exchanges.OpUseKey, Permit: e.needs(readScope), Handle: e.leverage, Limits: perSecond},
		{Pattern: "POST /v1/order", Operation: exchanges.OpUseKey, Permit: e.needs(tradingScope), Handle: e.order, Limits: perSecond},
		{Pattern: "GET /v1/orders", Operation: exchanges.OpUseKey, Permit: e.needs(readScope), Handle: e.openOrders, Limits: perSecond},
		{Pattern: "DELETE /v1/order", Operation: exchanges.OpUseKey, Permit: e.needs(tradingScope), Handle: e.cancelOrder, Limits: perSecond},
		{Pattern: "POST /v1/internal_transfer", Operation: exchanges.OpUseKey, Permit: e.needs(assetScope), Handle: e.transfer, Limits: perSecond},
		{Pattern: "POST /v1/withdraw_request", Operation: exchanges.OpUseKey, Permit: e.needs(assetScope), Handle: e.withdraw, Limits: perSecond},
	}
}

// chooseAddKey tells keys of sub-accounts, which are minted, from keys of a
// main account, which belong to its owner.
func (e *exchange) chooseAddKey(c *venue.Call) venue.Route {
	chosen := venue.Route{
		Pattern: "POST /v1/orderly_key", Operation: venue.OpOther, Public: true, Handle: e.addKey,
		Limits: []venue.Limit{{Quota: 10, Window: time.Second, By: venue.PerAddress}},
	}
	if r, err := readRegistration(c.Body); err == nil && r.Message.SubAccountID != "" {
		chosen.Operation = exchanges.OpCreateKey
	}
	return chosen
}

// ok answers with data, or without if it is nil.
func (e *exchange) ok(c *venue.Call, data any) *venue.Answer {
	body := map[string]any{"success": true, "timestamp": c.Now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return venue.JSONAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text.
func (e *exchange) refuse(code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	switch code {
	case unknownError:
		status = http.StatusInternalServerError
	case badSignature, unauthorized:
		status = http.StatusUnauthorized
	case tooMany:
		status = http.StatusTooManyRequests
	case duplicate:
		status = http.StatusConflict
	}
	return venue.JSONAnswer(status, map[string]any{"success": false, "code": code, "message": message})
}

func (e *exchange) badParameter(why *venue.Complaint) *venue.Answer {
	code := invalid
	if why.Reason == venue.Unknown {
		code = unknownParam
	}
	return e.refuse(code, why.Error())
}

func (e *exchange) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return e.refuse(tooMany, "Rate limit exceed.")
}

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/plain", "404 page not found\n")
}

// unauthorized is the one answer for a key that is unknown, expired or removed,
// is used from another address, or lacks a scope.
func (e *exchange) unauthorized() *venue.Answer {
	return e.refuse(unauthorized, "orderly key error")
}

func (e *exchange) needs(scope string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(scope) {
			return e.unauthorized()
		}
		return nil
	}
}

// manages permits keys with all scopes. The documentation does not say which
// ones it takes.
func (e *exchange) manages(c *venue.Call) *venue.Answer {
	for _, scope := range []string{readScope, tradingScope, assetScope} {
		if !c.Key.Has(scope) {
			return e.unauthorized()
		}
	}
	return nil
}

// mainOnly permits keys of a main account, if they act for that account.
func (e *exchange) mainOnly(c *venue.Call) *venue.Answer {
	if e.acting(c).Parent != nil {
		return e.refuse(invalid, "only the main account can do this")
	}
	return e.needs(readScope)(c)
}

// acting is the account that a request acts for.
func (e *exchange) acting(c *venue.Call) *venue.Account {
	return c.Books.Account(c.Header.Get("orderly-account-id"))
}

// allows reports whether a key may be used from the address. Its list may hold
// ranges.
func (e *exchange) allows(k *venue.Key, address netip.Addr) bool {
	return len(k.IPs) == 0 || slices.ContainsFunc(k.IPs, func(entry string) bool {
		first, last, err := rangeOf(entry)
		return err == nil && first.Compare(address) <= 0 && address.Compare(last) <= 0
	})
}

// rangeOf reads an address, or two joined by a hyphen.
func rangeOf(entry string) (first, last netip.Addr, err error) {
	from, to, isRange := strings.Cut(entry, "-")
	if !isRange {
		to = from
	}
	if first, err = netip.ParseAddr(from); err == nil {
		last, err = netip.ParseAddr(to)
	}
	return first, last, err
}

func (e *exchange) systemInfo(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]any{"status": 0, "msg": "System is functioning properly."})
}

func (e *exchange) getAccount(c *venue.Call) *venue.Answer {
	p := venue.FormParams(c.URL.RawQuery)
	p.Require("address", "broker_id")
	address, broker, chain := p.Text("address"), p.Text("broker_id"), p.Text("chain_type")
	p.Check("chain_type", chain == "" || chain == "EVM")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	if broker != brokerID {
		return e.refuse(noBroker, "The broker id does not exist.")
	}
	found := c.Books.Account(accountID(strings.ToLower(address), broker))
	if found == nil {
		return e.refuse(missing, "account does not exist")
	}
	return e.ok(c, map[string]any{"user_id": json.Number(found.Name), "account_id": found.ID})
}

func (e *exchange) clientInfo(c *venue.Call) *venue.Answer {
	acting := e.acting(c)
	return e.ok(c, map[string]any{
		"account_id": acting.ID, "email": "", "account_mode": "FUTURES", "max_leverage": 20, "taker_fee_rate": 0.0, "maker_fee_rate": 0.0,
	})
}

func (e *exchange) listSubAccounts(c *venue.Call) *venue.Answer {
	main := e.acting(c)
	rows := []any{}
	for _, sub := range c.Books.SubAccounts(main) {
		rows = append(rows, map[string]string{"sub_account_id": sub.ID, "description": sub.Remark})
	}
	return e.ok(c, map[string]any{"main_account_id": main.ID, "rows": rows})
}

func (e *exchange) createSubAccount(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	description := p.Text("description")
	if why := p.StrictComplaint(); why != nil {
		return e.badParameter(why)
	}
	sub := e.AddSubAccount(c.Books, c.Now, e.acting(c))
	sub.Remark = description
	return e.ok(c, map[string]string{"sub_account_id": sub.ID, "description": sub.Remark})
}
