// Package binance is the simulated Binance.
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

// binance plays the API of Binance as documented at
// https://developers.binance.com/docs. One host serves both surfaces for minting
// keys, the sub-account API and Exchange Link; the calling account decides which
// one it may use. Where the documentation leaves a rule open, it does the
// strictest thing that the documentation allows. Futures and options trading,
// which Binance serves on hosts of their own, are served here as well.
type binance struct {
	linkMaster string // id of the master account that is an Exchange Link account
	orderID    int64  // number of the newest order or transfer
}

// Venue is the simulated Binance.
func Venue() venue.Listing { return venue.Listing{Name: "binance", New: newBinance} }

func newBinance() venue.Rules { return &binance{} }

// Error codes, from https://developers.binance.com/docs/binance-spot-api-docs/errors.
const (
	binanceUnauthorized      = -1002
	binanceTooManyRequests   = -1003
	binanceBadTimestamp      = -1021
	binanceBadSignature      = -1022
	binanceIllegalCharacters = -1100
	binanceDuplicate         = -1101
	binanceMissing           = -1102
	binanceUnread            = -1104
	binanceBadValue          = -1130
	binanceBadKeyFormat      = -2014
	binanceBadKey            = -2015 // unknown key, wrong address or missing permission alike
	binanceUnsupported       = -9000
	binanceIsLinkAccount     = -10038
)

// The permissions of keys, as the requests of the two surfaces name them.
const (
	binanceTrade    = "canTrade"
	binanceTransfer = "canUniversalTransfer"
	binanceOptions  = "canVanillaOptions"
	binanceFIXTrade = "canFixApiTrading"
	binanceFIXRead  = "canFixApiReading"

	binanceMasterMargin  = "canMarginLoanRepay"
	binanceMasterFutures = "canFuturesTrade"
	binanceLinkMargin    = "marginTrade"
	binanceLinkFutures   = "futuresTrade"
)

// binanceNumberDigits is how long the numbers of accounts are.
const binanceNumberDigits = 9

func (b *binance) Seed(books *venue.Books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: venue.RandomNumber(binanceNumberDigits), Created: now})
	partner := books.AddAccount(&venue.Account{ID: venue.RandomNumber(binanceNumberDigits), Created: now})
	b.linkMaster = partner.ID

	trade := []string{binanceTrade}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Account: master, Permissions: trade, IPs: venue.Loopback()},
		{Kind: "no_right", Account: master, IPs: venue.Loopback()},
		{Kind: "unbound", Account: master, Permissions: trade},
		{Kind: "rsa", Account: master, Permissions: trade, IPs: venue.Loopback(), Signer: rsaPair},
		{Kind: "ed25519", Account: master, Permissions: trade, IPs: venue.Loopback(), Signer: venue.NewEd25519()},
		{Kind: "link", Account: partner, Permissions: trade, IPs: venue.Loopback()},
		{Kind: "link_no_right", Account: partner, IPs: venue.Loopback()},
		{Kind: "link_unbound", Account: partner, Permissions: trade},
	} {
		root.APIKey, root.Label, root.Created = binanceKeyText(), "root", now
		root.Variant = "master"
		if root.Account == partner {
			root.Variant = "link"
		}
		if root.Signer == nil {
			root.Secret = binanceKeyText()
		}
		books.AddKey(&root)
	}
}

// binanceKeyText draws an API key or a secret.
func binanceKeyText() string { return venue.RandomText(64, venue.Alphanumeric) }

// AddSubAccount names a sub-account of a master by its e-mail address, one of an
// Exchange Link account by its number.
func (b *binance) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	number := venue.RandomNumber(binanceNumberDigits)
	email := "desk" + venue.RandomText(6, venue.Digits) + "_virtual@" + venue.RandomText(8, venue.LowerHex) + "email.com"
	sub := &venue.Account{ID: email, Name: number, Parent: master, Created: now}
	if master.ID == b.linkMaster {
		sub.ID, sub.Name = number, email
	}
	return books.AddAccount(sub)
}

// binanceWeight is the limit of a /sapi endpoint that counts by address.
func binanceWeight(weight int) venue.Limit {
	return venue.Limit{Quota: 12000, Window: time.Minute, By: venue.PerAddress, Weight: weight}
}

// binanceKeyWeight is the limit of a /sapi endpoint that counts by account: 60
// requests a minute.
func binanceKeyWeight() venue.Limit {
	return venue.Limit{Quota: 180000, Window: time.Minute, Weight: 3000}
}

// binanceSpotWeight is the limit that all of /api shares.
func binanceSpotWeight(weight int) venue.Limit {
	return venue.Limit{Quota: 6000, Window: time.Minute, By: venue.PerAddress, Weight: weight, Bucket: "/api"}
}

func (b *binance) Routes() []venue.Route {
	light, heavy := []venue.Limit{binanceWeight(1)}, []venue.Limit{binanceKeyWeight()}
	// Exchange Link makes and deletes one key a second on each sub-account.
	link := []venue.Limit{binanceWeight(8), binanceKeyWeight(), {Quota: 1, Window: time.Second, Of: b.linkSubAccountOf}}
	return []venue.Route{
		{Pattern: "GET /api/v3/time", Operation: exchanges.OpServerTime, Public: true, Handle: b.serverTime, Limits: []venue.Limit{binanceSpotWeight(1)}},
		{Pattern: "GET /sapi/v1/system/status", Operation: venue.OpOther, Public: true, Handle: b.systemStatus, Limits: light},
		{Pattern: "GET /sapi/v1/account/apiRestrictions", Operation: exchanges.OpInspect, Handle: b.restrictions, Limits: light},

		{Pattern: "GET /sapi/v1/sub-account/list", Operation: exchanges.OpSubAccounts, Permit: b.masterOnly, Handle: b.listMasterSubs, Limits: light},
		{Pattern: "POST /sapi/v1/sub-account/virtualSubAccount", Operation: venue.OpOther, Permit: b.mayManageMaster, Handle: b.createMasterSub, Limits: light},
		{Pattern: "POST /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpCreateKey, Permit: b.mayManageMaster, Handle: b.createMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v2/sub-account/subAccountApi", Operation: exchanges.OpCreateKey, Permit: b.mayManageMaster, Handle: b.createMasterKeyV2, Limits: heavy},
		{Pattern: "GET /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpListKeys, Permit: b.mayManageMaster, Handle: b.listMasterKeys, Limits: heavy},
		{Pattern: "DELETE /sapi/v1/sub-account/subAccountApi", Operation: exchanges.OpDeleteKey, Permit: b.mayManageMaster, Handle: b.deleteMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v1/sub-account/subAccountApiPermission", Operation: exchanges.OpEditKey, Permit: b.mayManageMaster, Handle: b.permitMasterKey, Limits: heavy},
		{Pattern: "POST /sapi/v2/sub-account/subAccountApi/ipRestriction", Operation: exchanges.OpEditKey, Permit: b.mayManageMaster, Handle: b.restrictMasterKey, Limits: heavy},
		{Pattern: "GET /sapi/v1/sub-account/subAccountApi/ipRestriction", Operation: venue.OpOther, Permit: b.mayManageMaster, Handle: b.masterAddresses, Limits: heavy},

		{Pattern: "GET /sapi/v1/broker/info", Operation: venue.OpOther, Permit: b.linkOnly, Handle: b.linkInfo, Limits: light},
		{Pattern: "GET /sapi/v1/broker/subAccount", Operation: exchanges.OpSubAccounts, Permit: b.linkOnly, Handle: b.listLinkSubs, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccount", Operation: venue.OpOther, Permit: b.mayManageLink, Handle: b.createLinkSub, Limits: light},
		{Pattern: "DELETE /sapi/v1/broker/subAccount", Operation: venue.OpOther, Permit: b.mayManageLink, Handle: b.deleteLinkSub, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi", Operation: exchanges.OpCreateKey, Permit: b.mayManageLink, Handle: b.createLinkKey, Limits: link},
		{Pattern: "GET /sapi/v1/broker/subAccountApi", Operation: exchanges.OpListKeys, Permit: b.mayManageLink, Handle: b.listLinkKeys, Limits: light},
		{Pattern: "DELETE /sapi/v1/broker/subAccountApi", Operation: exchanges.OpDeleteKey, Permit: b.mayManageLink, Handle: b.deleteLinkKey, Limits: link},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission", Operation: exchanges.OpEditKey, Permit: b.mayManageLink, Handle: b.permitLinkKey, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission/universalTransfer", Operation: exchanges.OpEditKey, Permit: b.mayManageLink, Handle: b.permitLinkTransfer, Limits: light},
		{Pattern: "POST /sapi/v1/broker/subAccountApi/permission/vanillaOptions", Operation: exchanges.OpEditKey, Permit: b.mayManageLink, Handle: b.permitLinkOptions, Limits: light},
		{Pattern: "POST /sapi/v2/broker/subAccountApi/ipRestriction", Operation: exchanges.OpEditKey, Permit: b.mayManageLink, Handle: b.restrictLinkKey, Limits: heavy},
		{Pattern: "GET /sapi/v1/broker/subAccountApi/ipRestriction", Operation: venue.OpOther, Permit: b.mayManageLink, Handle: b.linkAddresses, Limits: light},

		{Pattern: "GET /api/v3/account", Operation: exchanges.OpUseKey, Handle: b.spotAccount, Limits: []venue.Limit{binanceSpotWeight(20)}},
		{Pattern: "POST /api/v3/order", Operation: exchanges.OpUseKey, Permit: b.needs(binanceTrade), Handle: b.order, Limits: []venue.Limit{binanceSpotWeight(1)}},
		{Pattern: "POST /sapi/v1/margin/borrow-repay", Operation: exchanges.OpUseKey, Permit: b.needs(binanceMasterMargin, binanceLinkMargin), Handle: b.borrow, Limits: light},
		{Pattern: "POST /fapi/v1/order", Operation: exchanges.OpUseKey, Permit: b.needs(binanceMasterFutures, binanceLinkFutures), Handle: b.order},
		{Pattern: "POST /eapi/v1/order", Operation: exchanges.OpUseKey, Permit: b.needs(binanceOptions), Handle: b.order},
		{Pattern: "POST /sapi/v1/asset/transfer", Operation: exchanges.OpUseKey, Permit: b.needs(binanceTransfer), Handle: b.transfer, Limits: light},
		// No key can be given the permission for this.
		{Pattern: "POST /sapi/v1/capital/withdraw/apply", Operation: exchanges.OpUseKey, Handle: b.badKey, Limits: light},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (b *binance) ok(c *venue.Call, body any) *venue.Answer {
	return b.withWeights(c, venue.JSONAnswer(http.StatusOK, body))
}

// refuse answers with a code and a text; 401 for what concerns the calling key,
// 429 for the limits, 400 for everything else.
func (b *binance) refuse(c *venue.Call, code int, message string) *venue.Answer {
	status := http.StatusBadRequest
	switch code {
	case binanceUnauthorized, binanceBadKeyFormat, binanceBadKey:
		status = http.StatusUnauthorized
	case binanceTooManyRequests:
		status = http.StatusTooManyRequests
	}
	return b.withWeights(c, venue.JSONAnswer(status, map[string]any{"code": code, "msg": message}))
}

// withWeights adds the headers that tell what has been used of the limits.
func (b *binance) withWeights(c *venue.Call, a *venue.Answer) *venue.Answer {
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

func (b *binance) badKey(c *venue.Call) *venue.Answer {
	return b.refuse(c, binanceBadKey, "Invalid API-key, IP, or permissions for action.")
}

func (b *binance) badParameter(c *venue.Call, why *venue.Complaint) *venue.Answer {
	code := map[venue.Reason]int{
		venue.Malformed: binanceIllegalCharacters, venue.Missing: binanceMissing, venue.Unknown: binanceUnread, venue.Duplicate: binanceDuplicate,
		venue.WrongType: binanceBadValue, venue.BadValue: binanceBadValue,
	}[why.Reason]
	return b.refuse(c, code, "Parameter '"+why.Param+"' "+string(why.Reason)+".")
}

func (b *binance) RateLimited(c *venue.Call, q venue.Quota) *venue.Answer {
	seconds := (q.Wait + time.Second - 1) / time.Second
	return b.refuse(c, binanceTooManyRequests, "Too many requests; current limit is exceeded.").
		Set("Retry-After", strconv.Itoa(int(seconds)))
}

func (b *binance) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not found</h2></body></html>\n")
}

func (b *binance) serverTime(c *venue.Call) *venue.Answer {
	return b.ok(c, map[string]int64{"serverTime": c.Now.UnixMilli()})
}

func (b *binance) systemStatus(c *venue.Call) *venue.Answer {
	return b.ok(c, map[string]any{"status": 0, "msg": "normal"})
}

// needs permits a key that has one of the permissions.
func (b *binance) needs(permissions ...string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !c.Key.Has(permissions...) {
			return b.badKey(c)
		}
		return nil
	}
}

// ofMaster permits keys of master accounts of one kind, and tells the other kind
// what the refusal is.
func (b *binance) ofMaster(c *venue.Call, isLink bool, otherKind *venue.Answer) *venue.Answer {
	switch {
	case c.Key.Account.Parent != nil:
		return b.badKey(c)
	case (c.Key.Account.ID == b.linkMaster) != isLink:
		return otherKind
	}
	return nil
}

func (b *binance) masterOnly(c *venue.Call) *venue.Answer {
	return b.ofMaster(c, false, b.refuse(c, binanceIsLinkAccount, "This account is not supported."))
}

func (b *binance) linkOnly(c *venue.Call) *venue.Answer {
	return b.ofMaster(c, true, b.refuse(c, binanceUnauthorized, "You are not authorized to execute this request."))
}

// mayManageMaster permits what masterOnly permits, with the option to trade.
func (b *binance) mayManageMaster(c *venue.Call) *venue.Answer {
	if refusal := b.masterOnly(c); refusal != nil {
		return refusal
	}
	return b.needs(binanceTrade)(c)
}

// mayManageLink permits what linkOnly permits, with the option to trade.
func (b *binance) mayManageLink(c *venue.Call) *venue.Answer {
	if refusal := b.linkOnly(c); refusal != nil {
		return refusal
	}
	return b.needs(binanceTrade)(c)
}

// binancePage cuts one page, numbered from 1, out of a list.
func binancePage[T any](all []T, page, size int64) []T {
	start := min((page-1)*size, int64(len(all)))
	return slices.Clone(all[start:min(start+size, int64(len(all)))])
}
