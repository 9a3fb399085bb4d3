package simulator

import (
	"crypto"
	"fmt"
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
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

func newBingX() rules { return &bingx{} }

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

func (b *bingx) seed(books *books, now time.Time, _ func() crypto.Signer) {
	main := books.addAccount(&account{id: randomNumber(8), created: now})
	whole := books.addAccount(&account{id: randomNumber(8), created: now, remark: bingxWhole})
	manager := []string{bingxRead, bingxManage}
	for _, root := range []key{
		{kind: mainRoot, account: main, permissions: manager, ips: loopback()},
		{kind: "no_right", account: main, permissions: []string{bingxSpot}, ips: loopback()},
		{kind: "unbound", account: main, permissions: manager, expires: now.Add(bingxUnusedLife)},
		// No call tells that it may not make keys.
		{kind: "reader", account: main, permissions: []string{bingxRead}, ips: loopback()},
		{kind: bingxWhole, account: whole, permissions: manager, ips: loopback()},
		{kind: bingxWhole + "_no_right", account: whole, permissions: []string{bingxSpot}, ips: loopback()},
		{kind: bingxWhole + "_unbound", account: whole, permissions: append(manager[:2:2], bingxWithdraw), expires: now.Add(bingxUnusedLife)},
	} {
		root.apiKey, root.secret = randomText(64, alphanumeric), randomText(64, alphanumeric)
		root.label, root.created = "root", now
		books.addKey(&root)
	}
}

// addSubAccount names a sub-account by its number; the text is its second name.
func (b *bingx) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: randomNumber(8), name: "vaultsub" + randomText(6, digits), remark: "vault", parent: master, created: now,
	})
}

// showsWhole tells whether the calling key's account answers in the words of
// BingX's text for assistants.
func (b *bingx) showsWhole(c *call) bool {
	main := c.key.account
	if main.parent != nil {
		main = main.parent
	}
	return main.remark == bingxWhole
}

func (b *bingx) routes() []route {
	perSecond := func(n int) []limit { return []limit{{quota: n, window: time.Second, by: perAccount}} }
	const sub, keys = "POST /openApi/subAccount/v1/", "POST /openApi/subAccount/v1/apiKey/"
	all := []route{
		{pattern: "GET /openApi/swap/v2/server/time", operation: exchanges.OpServerTime, public: true, handle: b.serverTime},
		{pattern: "GET /openApi/v1/account/apiPermissions", operation: exchanges.OpInspect, permit: b.needs(bingxRead), handle: b.apiPermissions, limits: perSecond(2)},
		{pattern: "GET /openApi/account/v1/uid", operation: opOther, permit: b.needs(bingxRead), handle: b.uid, limits: perSecond(10)},

		{pattern: "GET /openApi/subAccount/v1/list", operation: exchanges.OpSubAccounts, permit: b.manages(bingxRead), handle: b.listSubAccounts, limits: perSecond(1)},
		{pattern: sub + "create", operation: opOther, permit: b.manages(bingxManage), handle: b.createSubAccount, limits: perSecond(1)},
		{pattern: sub + "updateStatus", operation: opOther, permit: b.manages(bingxManage), handle: b.updateStatus, limits: perSecond(1)},

		{pattern: keys + "create", operation: exchanges.OpCreateKey, permit: b.manages(bingxManage), handle: b.createKey, limits: perSecond(5)},
		{pattern: keys + "del", operation: exchanges.OpDeleteKey, permit: b.manages(bingxManage), handle: b.deleteKey, limits: perSecond(5)},
		{pattern: "GET /openApi/account/v1/apiKey/query", operation: exchanges.OpListKeys, permit: b.needs(bingxRead), handle: b.queryKeys, limits: perSecond(5)},

		{pattern: "GET /openApi/spot/v1/account/balance", operation: exchanges.OpUseKey, permit: b.needs(bingxRead), handle: b.balance},
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
		all = append(all, route{
			pattern: "POST /openApi/" + use.path, operation: exchanges.OpUseKey, permit: b.needs(use.permission), handle: b.done(use.parameters...),
		})
	}
	return all
}

func (b *bingx) ok(c *call, data any) *answer {
	body := map[string]any{"code": 0, "timestamp": c.now.UnixMilli()}
	if data != nil {
		body["data"] = data
	}
	return jsonAnswer(http.StatusOK, body)
}

// refuse answers with a code and a text. Failures come with HTTP 200.
func (b *bingx) refuse(c *call, code int, message string) *answer {
	return jsonAnswer(http.StatusOK, map[string]any{"code": code, "msg": message, "timestamp": c.now.UnixMilli()})
}

func (b *bingx) malformed(c *call, why *complaint) *answer {
	return b.refuse(c, bingxBadParameter, "Invalid parameters, err:"+why.Error())
}

func (b *bingx) rateLimited(c *call, q quota) *answer {
	until := c.now.Add(q.wait + time.Millisecond)
	return b.refuse(c, bingxTooFast, fmt.Sprintf(
		"The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after %d", until.UnixMilli()))
}

func (b *bingx) notFound(c *call) *answer {
	return b.refuse(c, bingxNotFound, "this api is not exist, please refer to the API docs")
}

func (b *bingx) serverTime(c *call) *answer {
	return jsonAnswer(http.StatusOK, map[string]any{"code": 0, "msg": "", "data": map[string]int64{"serverTime": c.now.UnixMilli()}})
}

// needs permits a key that has the permission, of an account that is not frozen.
func (b *bingx) needs(permission string) func(*call) *answer {
	return func(c *call) *answer {
		switch {
		case !c.key.has(permission):
			return b.refuse(c, bingxNoPermission, "Permission denied as the API key was created without the permission")
		case c.key.account.frozen:
			return b.refuse(c, bingxFrozen, "account abnormal")
		}
		return nil
	}
}

// manages permits a key of a main account that has the permission.
func (b *bingx) manages(permission string) func(*call) *answer {
	return func(c *call) *answer {
		if c.key.account.parent != nil {
			return b.refuse(c, bingxNotMain, "only the main account can do this")
		}
		return b.needs(permission)(c)
	}
}
