// Package bingx plays the sub-account API of BingX as documented at
// https://bingx-api.github.io/docs. Where the documentation leaves a rule open,
// it does the strictest thing that the documentation allows.
//
// BingX's documents disagree on names and on the form of some answers. The
// account of the root "main" answers as the API documentation says: keys are
// masked, and the answer to a creation shows nothing of the new key but its
// secret. The account of the root "whole" answers as BingX's text for
// assistants says (https://github.com/BingX-API/api-ai-skills), but shows keys
// in full, since neither document says for certain that they are masked.
package bingx

import (
	"crypto"
	"fmt"
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is BingX, with the state that the books do not hold.
type exchange struct{}

// Venue is the simulated BingX.
func Venue() venue.Listing { return venue.Listing{Name: "bingx", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// Error codes, from the section "Error Codes". The documentation has no code
// for an account that has reached its number of keys, nor for a key that does
// not exist.
const (
	noOrder       = 80016
	badSignature  = 100001
	noPermission  = 100004
	badParameter  = 100400
	notMain       = 100403
	notFound      = 100404
	tooFast       = 100410
	noSignature   = 100412
	badKey        = 100413
	badAddress    = 100419
	badTimestamp  = 100421
	frozen        = 100441
	badSubAccount = 100450
)

// Permissions by number. The documentation does not say that 6 is the right to
// manage sub-accounts; its samples show 6 on keys of main accounts.
const (
	spot      = "1"
	read      = "2"
	perpetual = "3"
	universal = "4"
	withdraw  = "5"
	manage    = "6"
	internal  = "7"
)

// unusedLife is how long an unused key lasts if it may do more than read and is
// bound to no address.
const unusedLife = 14 * 24 * time.Hour

// wholeKeys marks the account that shows keys in full.
const wholeKeys = "whole"

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	main := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	whole := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now, Remark: wholeKeys})
	manager := []string{read, manage}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: main, Permissions: manager, IPs: venue.Loopback()},
		{Kind: "no_right", Account: main, Permissions: []string{spot}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: main, Permissions: manager, Expires: now.Add(unusedLife)},
		// No call reveals that this key may not make keys.
		{Kind: "reader", Account: main, Permissions: []string{read}, IPs: venue.Loopback()},
		{Kind: wholeKeys, Account: whole, Permissions: manager, IPs: venue.Loopback()},
		{Kind: wholeKeys + "_no_right", Account: whole, Permissions: []string{spot}, IPs: venue.Loopback()},
		{Kind: wholeKeys + "_unbound", Account: whole, Permissions: append(manager[:2:2], withdraw), Expires: now.Add(unusedLife)},
	} {
		root.APIKey, root.Secret = venue.RandomText(64, venue.Alphanumeric), venue.RandomText(64, venue.Alphanumeric)
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

// AddSubAccount names a sub-account by its number; its second name is a text.
func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: "vaultsub" + venue.RandomText(6, venue.Digits), Remark: "vault", Parent: master, Created: now,
	})
}

// main is the main account that the calling key belongs to.
func (e *exchange) main(c *venue.Call) *venue.Account {
	if parent := c.Key.Account.Parent; parent != nil {
		return parent
	}
	return c.Key.Account
}

// forAssistants reports whether the calling key's account answers in the words of
// BingX's text for assistants.
func (e *exchange) forAssistants(c *venue.Call) bool {
	return (e.main(c).Remark == wholeKeys) != (c.Weather(otherWords) != "")
}

func (e *exchange) Routes() []venue.Route {
	perSecond := func(n int) []venue.Limit { return []venue.Limit{{Quota: n, Window: time.Second, By: venue.PerAccount}} }
	const sub, keys = "POST /openApi/subAccount/v1/", "POST /openApi/subAccount/v1/apiKey/"
	all := []venue.Route{
		{Pattern: "GET /openApi/swap/v2/server/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime},
		{Pattern: "GET /openApi/v1/account/apiPermissions", Operation: exchanges.OpInspect, Permit: e.needs(read), Handle: e.apiPermissions, Limits: perSecond(2)},
		{Pattern: "GET /openApi/account/v1/uid", Operation: venue.OpOther, Permit: e.needs(read), Handle: e.uid, Limits: perSecond(10)},

		{Pattern: "GET /openApi/subAccount/v1/list", Operation: exchanges.OpSubAccounts, Permit: e.manages(read), Handle: e.listSubAccounts, Limits: perSecond(1)},
		{Pattern: sub + "create", Operation: venue.OpOther, Permit: e.manages(manage), Handle: e.createSubAccount, Limits: perSecond(1)},
		{Pattern: sub + "updateStatus", Operation: venue.OpOther, Permit: e.manages(manage), Handle: e.updateStatus, Limits: perSecond(1)},

		{Pattern: keys + "create", Operation: exchanges.OpCreateKey, Permit: e.manages(manage), Handle: e.createKey, Limits: perSecond(5)},
		{Pattern: keys + "del", Operation: exchanges.OpDeleteKey, Permit: e.manages(manage), Handle: e.deleteKey, Limits: perSecond(5)},
		{Pattern: "GET /openApi/account/v1/apiKey/query", Operation: exchanges.OpListKeys, Permit: e.needs(read), Handle: e.queryKeys, Limits: perSecond(5)},

		{Pattern: "GET /openApi/spot/v1/account/balance", Operation: exchanges.OpUseKey, Permit: e.needs(read), Handle: e.balance},
		{Pattern: "POST /openApi/spot/v1/trade/order", Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.order(spotSection)},
		{Pattern: "GET /openApi/spot/v1/trade/openOrders", Operation: exchanges.OpUseKey, Permit: e.needs(read), Handle: e.openOrders},
		{Pattern: "POST /openApi/spot/v1/trade/cancel", Operation: exchanges.OpUseKey, Permit: e.needs(spot), Handle: e.cancelOrder},
		{Pattern: "POST /openApi/swap/v2/trade/order", Operation: exchanges.OpUseKey, Permit: e.needs(perpetual), Handle: e.order(swapSection)},
	}
	for _, use := range []struct {
		path, permission string
		parameters       []string
	}{
		{"api/v3/post/asset/transfer", universal, []string{"type", "asset", "amount"}},
		{"account/transfer/v1/subAccount/transferAsset", internal, []string{"assetName", "transferAmount", "toUid"}},
		{"wallets/v1/capital/withdraw/apply", withdraw, []string{"coin", "address", "amount"}},
	} {
		all = append(all, venue.Route{
			Pattern: "POST /openApi/" + use.path, Operation: exchanges.OpUseKey, Permit: e.needs(use.permission), Handle: e.done(use.parameters...),
		})
	}
	return all
}

func (e *exchange) ok(c *venue.Call, data any) *venue.Answer {
	body := map[string]any{"code": 0, "timestamp": c.Now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return venue.JSONAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text. Failures come with HTTP 200.
func (e *exchange) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": code, "msg": message, "timestamp": c.Now.UnixMilli()})
}

func (e *exchange) malformed(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return e.refuse(c, badParameter, "Invalid parameters, err:"+why.Error())
}

func (e *exchange) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	until := c.Now.Add(q.Wait + time.Millisecond)
	return e.refuse(c, tooFast, fmt.Sprintf(
		"The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after %d", until.UnixMilli()))
}

func (e *exchange) NotFound(c *venue.Call) *venue.Answer {
	return e.refuse(c, notFound, "this api is not exist, please refer to the API docs")
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": 0, "msg": "", "data": map[string]int64{"serverTime": c.Now.UnixMilli()}})
}

// needs permits a key that has the permission, of an account that is not frozen.
func (e *exchange) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		switch {
		case !c.Key.Has(permission):
			return e.refuse(c, noPermission, "Permission denied as the API key was created without the permission")
		case c.Key.Account.Frozen:
			return e.refuse(c, frozen, "account abnormal")
		}
		return nil
	}
}

// manages permits a key of a main account that has the permission.
func (e *exchange) manages(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if c.Key.Account.Parent != nil {
			return e.refuse(c, notMain, "only the main account can do this")
		}
		return e.needs(permission)(c)
	}
}
