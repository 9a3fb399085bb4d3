// Package bingx is the simulated BingX.
package bingx

import (
	"crypto"
	"fmt"
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// bingx plays the sub-account API of BingX as documented at
// https://bingx-api.github.io/docs. Where the documentation leaves a rule open,
// it does the strictest thing that the documentation allows.
//
// BingX's documents disagree on names and on the form of some answers. The
// account of the root "main" answers as the API documentation says, with masked
// keys and with nothing but the secret told of a new key. The account of the
// root "whole" answers as BingX's text for assistants says
// (https://github.com/BingX-API/api-ai-skills), but with keys shown in full,
// since neither document settles that they are masked.
type bingx struct{}

// Venue is the simulated BingX.
func Venue() venue.Listing { return venue.Listing{Name: "bingx", New: newBingX} }

func newBingX() venue.Rules { return &bingx{} }

// Error codes, from the section "Error Codes". None is documented for an account
// that has as many keys as it may, nor for a key that does not exist.
const (
	bingxBadSignature  = 100001
	bingxNoPermission  = 100004
	bingxBadParameter  = 100400
	bingxNotMain       = 100403
	bingxNotFound      = 100404
	bingxTooFast       = 100410
	bingxNoSignature   = 100412
	bingxBadKey        = 100413
	bingxBadAddress    = 100419
	bingxBadTimestamp  = 100421
	bingxFrozen        = 100441
	bingxBadSubAccount = 100450
)

// Permissions by their numbers. That 6 is the right to manage sub-accounts is
// not documented; samples show it with keys of main accounts.
const (
	bingxSpot      = "1"
	bingxRead      = "2"
	bingxPerpetual = "3"
	bingxUniversal = "4"
	bingxWithdraw  = "5"
	bingxManage    = "6"
	bingxInternal  = "7"
)

// bingxUnusedLife is how long a key that may do more than read, and is bound to
// no address, lasts without use.
const bingxUnusedLife = 14 * 24 * time.Hour

// bingxWhole marks the account that shows keys in full.
const bingxWhole = "whole"

func (b *bingx) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	main := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now})
	whole := books.AddAccount(&venue.Account{ID: venue.RandomNumber(8), Created: now, Remark: bingxWhole})
	manager := []string{bingxRead, bingxManage}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: main, Permissions: manager, IPs: venue.Loopback()},
		{Kind: "no_right", Account: main, Permissions: []string{bingxSpot}, IPs: venue.Loopback()},
		{Kind: "unbound", Account: main, Permissions: manager, Expires: now.Add(bingxUnusedLife)},
		// No call tells that it may not make keys.
		{Kind: "reader", Account: main, Permissions: []string{bingxRead}, IPs: venue.Loopback()},
		{Kind: bingxWhole, Account: whole, Permissions: manager, IPs: venue.Loopback()},
		{Kind: bingxWhole + "_no_right", Account: whole, Permissions: []string{bingxSpot}, IPs: venue.Loopback()},
		{Kind: bingxWhole + "_unbound", Account: whole, Permissions: append(manager[:2:2], bingxWithdraw), Expires: now.Add(bingxUnusedLife)},
	} {
		root.APIKey, root.Secret = venue.RandomText(64, venue.Alphanumeric), venue.RandomText(64, venue.Alphanumeric)
		root.Label, root.Created = "root", now
		books.AddKey(&root)
	}
}

// AddSubAccount names a sub-account by its number; the text is its second name.
func (b *bingx) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	return books.AddAccount(&venue.Account{
		ID: venue.RandomNumber(8), Name: "vaultsub" + venue.RandomText(6, venue.Digits), Remark: "vault", Parent: master, Created: now,
	})
}

// showsWhole tells whether the calling key's account answers in the words of
// BingX's text for assistants.
func (b *bingx) showsWhole(c *venue.Call) bool {
	main := c.Key.Account
	if main.Parent != nil {
		main = main.Parent
	}
	return main.Remark == bingxWhole
}

func (b *bingx) Routes() []venue.Route {
	perSecond := func(n int) []venue.Limit { return []venue.Limit{{Quota: n, Window: time.Second, By: venue.PerAccount}} }
	const sub, keys = "POST /openApi/subAccount/v1/", "POST /openApi/subAccount/v1/apiKey/"
	all := []venue.Route{
		{Pattern: "GET /openApi/swap/v2/server/time", Operation: exchanges.OpServerTime, Public: true, Handle: b.serverTime},
		{Pattern: "GET /openApi/v1/account/apiPermissions", Operation: exchanges.OpInspect, Permit: b.needs(bingxRead), Handle: b.apiPermissions, Limits: perSecond(2)},
		{Pattern: "GET /openApi/account/v1/uid", Operation: venue.OpOther, Permit: b.needs(bingxRead), Handle: b.uid, Limits: perSecond(10)},

		{Pattern: "GET /openApi/subAccount/v1/list", Operation: exchanges.OpSubAccounts, Permit: b.manages(bingxRead), Handle: b.listSubAccounts, Limits: perSecond(1)},
		{Pattern: sub + "create", Operation: venue.OpOther, Permit: b.manages(bingxManage), Handle: b.createSubAccount, Limits: perSecond(1)},
		{Pattern: sub + "updateStatus", Operation: venue.OpOther, Permit: b.manages(bingxManage), Handle: b.updateStatus, Limits: perSecond(1)},

		{Pattern: keys + "create", Operation: exchanges.OpCreateKey, Permit: b.manages(bingxManage), Handle: b.createKey, Limits: perSecond(5)},
		{Pattern: keys + "del", Operation: exchanges.OpDeleteKey, Permit: b.manages(bingxManage), Handle: b.deleteKey, Limits: perSecond(5)},
		{Pattern: "GET /openApi/account/v1/apiKey/query", Operation: exchanges.OpListKeys, Permit: b.needs(bingxRead), Handle: b.queryKeys, Limits: perSecond(5)},

		{Pattern: "GET /openApi/spot/v1/account/balance", Operation: exchanges.OpUseKey, Permit: b.needs(bingxRead), Handle: b.balance},
	}
	for _, use := range []struct {
		path, permission string
		parameters       []string
	}{
		{"spot/v1/trade/order", bingxSpot, []string{"symbol", "side", "type", "quantity"}},
		{"swap/v2/trade/order", bingxPerpetual, []string{"symbol", "side", "type", "quantity"}},
		{"api/v3/post/asset/transfer", bingxUniversal, []string{"type", "asset", "amount"}},
		{"account/transfer/v1/subAccount/transferAsset", bingxInternal, []string{"assetName", "transferAmount", "toUid"}},
		{"wallets/v1/capital/withdraw/apply", bingxWithdraw, []string{"coin", "address", "amount"}},
	} {
		all = append(all, venue.Route{
			Pattern: "POST /openApi/" + use.path, Operation: exchanges.OpUseKey, Permit: b.needs(use.permission), Handle: b.done(use.parameters...),
		})
	}
	return all
}

func (b *bingx) ok(c *venue.Call, data any) *venue.Answer {
	body := map[string]any{"code": 0, "timestamp": c.Now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return venue.JSONAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text. Failures come with HTTP 200.
func (b *bingx) refuse(c *venue.Call, code int, message string) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": code, "msg": message, "timestamp": c.Now.UnixMilli()})
}

func (b *bingx) malformed(c *venue.Call, why *venue.Complaint) *venue.Answer {
	return b.refuse(c, bingxBadParameter, "Invalid parameters, err:"+why.Error())
}

func (b *bingx) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	until := c.Now.Add(q.Wait + time.Millisecond)
	return b.refuse(c, bingxTooFast, fmt.Sprintf(
		"The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after %d", until.UnixMilli()))
}

func (b *bingx) NotFound(c *venue.Call) *venue.Answer {
	return b.refuse(c, bingxNotFound, "this api is not exist, please refer to the API docs")
}

func (b *bingx) serverTime(c *venue.Call) *venue.Answer {
	return venue.JSONAnswer(http.StatusOK, map[string]any{"code": 0, "msg": "", "data": map[string]int64{"serverTime": c.Now.UnixMilli()}})
}

// needs permits a key that has the permission, of an account that is not frozen.
func (b *bingx) needs(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		switch {
		case !c.Key.Has(permission):
			return b.refuse(c, bingxNoPermission, "Permission denied as the API key was created without the permission")
		case c.Key.Account.Frozen:
			return b.refuse(c, bingxFrozen, "account abnormal")
		}
		return nil
	}
}

// manages permits a key of a main account that has the permission.
func (b *bingx) manages(permission string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if c.Key.Account.Parent != nil {
			return b.refuse(c, bingxNotMain, "only the main account can do this")
		}
		return b.needs(permission)(c)
	}
}
