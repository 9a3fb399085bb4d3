// Package binance plays the API of Binance as documented at
// https://developers.binance.com/docs. One host serves both surfaces for
// minting keys, the sub-account API and Exchange Link; the calling account
// decides which one it may use. Where the documentation leaves a rule open, it
// does the strictest thing that the documentation allows. Futures and options
// trading, which Binance serves on hosts of their own, are served here as well.
package binance

import (
	"crypto"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Binance, with the state that the books do not hold.
type exchange struct {
	linkMaster string // id of the master account that is an Exchange Link account
	orderID    int64  // number of the newest order or transfer
}

// Venue is the simulated Binance.
func Venue() venue.Listing { return venue.Listing{Name: "binance", New: newRules} }

func newRules() venue.Rules { return &exchange{} }

// Error codes, from https://developers.binance.com/docs/binance-spot-api-docs/errors.
const (
	unauthorized      = -1002
	tooManyRequests   = -1003
	badTimestamp      = -1021
	badSignature      = -1022
	illegalCharacters = -1100
	duplicate         = -1101
	missing           = -1102
	unread            = -1104
	badValue          = -1130
	cancelRejected    = -2011
	badKeyFormat      = -2014
	badKey            = -2015 // unknown key, wrong address or missing permission alike
	unsupported       = -9000
	isLinkAccount     = -10038
)

// The permissions of keys, as the requests of the two surfaces name them.
const (
	trade    = "canTrade"
	transfer = "canUniversalTransfer"
	options  = "canVanillaOptions"
	fixTrade = "canFixApiTrading"
	fixRead  = "canFixApiReading"

	masterMargin  = "canMarginLoanRepay"
	masterFutures = "canFuturesTrade"
	linkMargin    = "marginTrade"
	linkFutures   = "futuresTrade"
)

// numberDigits is the number of digits in an account's number.
const numberDigits = 9

func (e *exchange) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(numberDigits), Created: now})
	partner := books.AddAccount(&venue.Account{ID: venue.RandomNumber(numberDigits), Created: now})
	e.linkMaster = partner.ID
	other := books.AddAccount(&venue.Account{ID: venue.RandomNumber(numberDigits), Created: now})

	trade := []string{trade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: master, Permissions: trade, IPs: venue.Loopback()},
		{Kind: "no_right", Account: master, IPs: venue.Loopback()},
		{Kind: "unbound", Account: master, Permissions: trade},
		{Kind: "rsa", Account: master, Permissions: trade, IPs: venue.Loopback(), Signer: rsaPair},
		{Kind: "ed25519", Account: master, Permissions: trade, IPs: venue.Loopback(), Signer: venue.NewEd25519()},
		{Kind: "other", Account: other, Permissions: trade, IPs: venue.Loopback()},
		{Kind: "link", Account: partner, Permissions: trade, IPs: venue.Loopback()},
		{Kind: "link_no_right", Account: partner, IPs: venue.Loopback()},
		{Kind: "link_unbound", Account: partner, Permissions: trade},
	} {
		root.APIKey, root.Label, root.Created = keyText(), "root", now
		root.Variant = masterVariant
		if root.Account == partner {
			root.Variant = linkVariant
		}
		if root.Signer == nil {
			root.Secret = keyText()
		}
		books.AddKey(&root)
	}
}

// keyText draws an API key or a secret.
func keyText() string { return venue.RandomText(64, venue.Alphanumeric) }

// AddSubAccount names a sub-account of a master by its e-mail address, and one
// of an Exchange Link account by its number.
func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	number := venue.RandomNumber(numberDigits)
	email := "desk" + venue.RandomText(6, venue.Digits) + "_virtual@" + venue.RandomText(8, venue.LowerHex) + "email.com"
	sub := &venue.Account{ID: email, Name: number, Parent: master, Created: now}
	if master.ID == e.linkMaster {
		sub.ID, sub.Name = number, email
	}
	return books.AddAccount(sub)
}

// weight is the limit of a /sapi endpoint that counts per address.
func weight(cost int) venue.Limit {
	return venue.Limit{Quota: 12000, Window: time.Minute, By: venue.PerAddress, Weight: cost}
}

// keyWeight is the limit of a /sapi endpoint that counts per account: 60
// requests a minute.
func keyWeight() venue.Limit {
	return venue.Limit{Quota: 180000, Window: time.Minute, Weight: 3000}
}

// spotWeight is the limit that all endpoints under /api share.
func spotWeight(cost int) venue.Limit {
	return venue.Limit{Quota: 6000, Window: time.Minute, By: venue.PerAddress, Weight: cost, Bucket: "/api"}
}

func (e *exchange) Routes() []venue.Route {
	light, heavy := []venue.Limit{weight(1)}, []venue.Limit{keyWeight()}
	// Exchange Link makes and deletes one key a second on each sub-account.
	link := []venue.Limit{weight(8), keyWeight(), {Quota: 1, Window: time.Second, Of: e.linkSubAccountOf}}
	return []venue.Route{
		{Pattern: "GET /api/v3/time", Operation: exchanges.OpServerTime, Public: true, Handle: e.serverTime, Limits: []venue.Limit{spotWeight(1)}},
		{Pattern: "GET /sapi/v1/system/status", Operation: venue.OpOther, Public: true, Handle: e.systemStatus, Limits: light},
		{Pattern: "GET /sapi/v1/account/apiRestrictions", Operation: exchanges.OpInspect, Handle: e.restrictions, Limits: light},

		{Pattern: "GET /sapi/v1/sub-account/list", Operation: exchanges.OpSubAccounts, Permit: e.masterOnly, Handle: e.listMasterSubs, Limits: light},
		{Pattern: "POST /sapi/v1/sub-account/virtualSubAccount", Operation: venue.OpOther, Permit: e.mayManageMaster, Handle: e.createMasterSub, Limits: light},
		{Pattern: "POST /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpCreateKey, Permit: e.mayManageMaster, Handle: e.createMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v2/sub-account/subAccountApi", Operation: exchanges.OpCreateKey, Permit: e.mayManageMaster, Handle: e.createMasterKeyV2, Limits: heavy},
		{Pattern: "GET /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpListKeys, Permit: e.mayManageMaster, Handle: e.listMasterKeys, Limits: heavy},
		{Pattern: "DELETE /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpDeleteKey, Permit: e.mayManageMaster, Handle: e.deleteMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v1/sub-account/subAccountApiPermission", Operation: exchanges.OpEditKey, Permit: e.mayManageMaster, Handle: e.permitMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v2/sub-account/subAccountApi/ipRestriction", Operation: exchanges.OpEditKey, Permit: e.mayManageMaster, Handle: e.restrictMasterKey, Limits: heavy},
		{Pattern: "GET /sapi/v1/sub-account/subAccountApi/ipRestriction", Operation: venue.OpOther, Permit: e.mayManageMaster, Handle: e.masterAddresses, Limits: heavy},

		{Pattern: "GET /sapi/v1/broker/info", Operation: venue.OpOther, Permit: e.linkOnly, Handle: e.linkInfo, Limits: light},
		{Pattern: "GET /sapi/v1/broker/subAccount", Operation: exchanges.OpSubAccounts, Permit: e.linkOnly, Handle: e.listLinkSubs, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccount", Operation: venue.OpOther, Permit: e.mayManageLink, Handle: e.createLinkSub, Limits: light},
		{Pattern: "DELETE /sapi/v1/broker/subAccount", Operation: venue.OpOther, Permit: e.mayManageLink, Handle: e.deleteLinkSub, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi", Operation: exchanges.OpCreateKey, Permit: e.mayManageLink, Handle: e.createLinkKey, Limits: link},
		{Pattern: "GET /sapi/v1/broker/subAccountApi", Operation: exchanges.OpListKeys, Permit: e.mayManageLink, Handle: e.listLinkKeys, Limits: light},
		{Pattern: "DELETE /sapi/v1/broker/subAccountApi", Operation: exchanges.OpDeleteKey, Permit: e.mayManageLink, Handle: e.deleteLinkKey, Limits: link},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission", Operation: exchanges.OpEditKey, Permit: e.mayManageLink, Handle: e.permitLinkKey, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission/universalTransfer", Operation: exchanges.OpEditKey, Permit: e.mayManageLink, Handle: e.permitLinkTransfer, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission/vanillaOptions", Operation: exchanges.OpEditKey, Permit: e.mayManageLink, Handle: e.permitLinkOptions, Limits: light},
		{Pattern: "POST /sapi/v2/broker/subAccountApi/ipRestriction", Operation: exchanges.OpEditKey, Permit: e.mayManageLink, Handle: e.restrictLinkKey, Limits: heavy},
		{Pattern: "GET /sapi/v1/broker/subAccountApi/ipRestriction", Operation: venue.OpOther, Permit: e.mayManageLink, Handle: e.linkAddresses, Limits: light},

		{Pattern: "GET /api/v3/account", Operation: exchanges.OpUseKey, Handle: e.spotAccount, Limits: []venue.Limit{spotWeight(20)}},
		{Pattern: "POST /api/v3/order", Operation: exchanges.OpUseKey, Permit: e.needs(trade), Handle: e.order, Limits: []venue.Limit{spotWeight(1)}},
		{Pattern: "GET /api/v3/openOrders", Operation: exchanges.OpUseKey, Handle: e.openOrders, Limits: []venue.Limit{spotWeight(6)}},
		{Pattern: "DELETE /api/v3/order", Operation: exchanges.OpUseKey, Permit: e.needs(trade), Handle: e.cancelOrder, Limits: []venue.Limit{spotWeight(1)}},
		{Pattern: "POST /sapi/v1/margin/order", Operation: exchanges.OpUseKey, Permit: e.needs(trade), Handle: e.order, Limits: light},
		{Pattern: "POST /sapi/v1/margin/borrow-repay", Operation: exchanges.OpUseKey, Permit: e.needs(masterMargin, linkMargin), Handle: e.borrow, Limits: light},
		{Pattern: "POST /fapi/v1/order", Operation: exchanges.OpUseKey, Permit: e.needs(masterFutures, linkFutures), Handle: e.order},
		{Pattern: "POST /eapi/v1/order", Operation: exchanges.OpUseKey, Permit: e.needs(options), Handle: e.order},
		{Pattern: "POST /sapi/v1/asset/transfer", Operation: exchanges.OpUseKey, Permit: e.needs(transfer), Handle: e.transfer, Limits: light},
		// No key can be given the permission for this.
		{Pattern: "POST /sapi/v1/capital/withdraw/apply", Operation: exchanges.OpUseKey, Handle: e.badKey, Limits: light},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (e *exchange) ok(c *venue.Call, body any) *venue.Answer {
	return e.withWeights(c, venue.JSONAnswer(http.StatusOK, body))
}

// refuse answers with a code and a text. The status is 401 if the calling key
// is the problem, 429 if a limit is, and 400 otherwise.
func (e *exchange) refuse(c *venue.Call, code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	switch code {
	case unauthorized, badKeyFormat, badKey:
		status = http.StatusUnauthorized
	case tooManyRequests:
		status = http.StatusTooManyRequests
	}
	return e.withWeights(c, venue.JSONAnswer(status, map[string]any{"code": code, "msg": message}))
}

// withWeights adds the headers that report how much of each limit is used.
func (e *exchange) withWeights(c *venue.Call, a *venue.Answer) *venue.Answer {
	for _, q := range c.Quotas {
		if q.Limit.Weight == 0 {
			continue
		}
		name := "X-Sapi-Used-Uid-Weight-1m"
		switch {
		case q.Limit.Bucket != "":
			name = "X-Mbx-Used-Weight-1m"
		case q.Limit.By == venue.PerAddress:
			name = "X-Sapi-Used-Ip-Weight-1m"
		}
		a.Set(name, strconv.Itoa(q.Used))
	}
	return a
}

func (e *exchange) badKey(c *venue.Call) *venue.Answer {
	return e.refuse(c, badKey, "Invalid API-key, IP, or permissions for action.")
}

func (e *exchange) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	code := map[venue.Reason]int{
		venue.Malformed: illegalCharacters, venue.Missing: missing, venue.Unknown: unread, venue.Duplicate: duplicate,
		venue.WrongType: badValue, venue.BadValue: badValue,
	}[why.Reason]
	return e.refuse(c, code, "Parameter '"+why.Param+"' "+string(why.Reason)+".")
}

func (e *exchange) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	seconds := (q.Wait + time.Second - 1) / time.Second
	return e.refuse(c, tooManyRequests, "Too many requests; current limit is exceeded.").
		Set("Retry-After", strconv.Itoa(int(seconds)))
}

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not found</h2></body></html>\n")
}

func (e *exchange) serverTime(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]int64{"serverTime": c.Now.UnixMilli()})
}

func (e *exchange) systemStatus(c *venue.Call) *venue.Answer {
	return e.ok(c, map[string]any{"status": 0, "msg": "normal"})
}

// needs permits a key that has at least one of the permissions.
func (e *exchange) needs(permissions ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permissions...) {
			return e.badKey(c)
		}
		return nil
	}
}

// ofMaster permits keys of master accounts of one kind, and gives the other
// kind the refusal.
func (e *exchange) ofMaster(c *venue.Call, isLink bool, otherKind *venue.Answer) *venue.Answer {
	switch {
	case c.Key.Account.Parent != nil:
		return e.badKey(c)
	case (c.Key.Account.ID == e.linkMaster) != isLink:
		return otherKind
	}
	return nil
}

func (e *exchange) masterOnly(c *venue.Call) *venue.Answer {
	return e.ofMaster(c, false, e.refuse(c, isLinkAccount, "This account is not supported."))
}

func (e *exchange) linkOnly(c *venue.Call) *venue.Answer {
	return e.ofMaster(c, true, e.refuse(c, unauthorized, "You are not authorized to execute this request."))
}

// mayManageMaster permits what masterOnly permits, if the key also has the
// option to trade.
func (e *exchange) mayManageMaster(c *venue.Call) *venue.Answer {
	if refusal := e.masterOnly(c); refusal != nil {
		return refusal
	}
	return e.needs(trade)(c)
}

// mayManageLink permits what linkOnly permits, if the key also has the option
// to trade.
func (e *exchange) mayManageLink(c *venue.Call) *venue.Answer {
	if refusal := e.linkOnly(c); refusal != nil {
		return refusal
	}
	return e.needs(trade)(c)
}

// pageOf cuts one page, numbered from 1, out of a list.
func pageOf[T any](all []T, page, size int64) []T {
	start := min((page-1)*size, int64(len(all)))
	return slices.Clone(all[start:min(start+size, int64(len(all)))])
}
