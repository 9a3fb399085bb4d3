package simulator

import (
	"crypto"
	"net/http"
	"slices"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
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

func newBinance() rules { return &binance{} }

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

func (b *binance) seed(books *books, now time.Time, rsaPair func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(binanceNumberDigits), created: now})
	partner := books.addAccount(&account{id: randomNumber(binanceNumberDigits), created: now})
	b.linkMaster = partner.id

	trade := []string{binanceTrade}
	for _, root := range []key{
		{kind: mainRoot, account: master, permissions: trade, ips: loopback()},
		{kind: "no_right", account: master, ips: loopback()},
		{kind: "unbound", account: master, permissions: trade},
		{kind: "rsa", account: master, permissions: trade, ips: loopback(), signer: rsaPair},
		{kind: "ed25519", account: master, permissions: trade, ips: loopback(), signer: newEd25519()},
		{kind: "link", account: partner, permissions: trade, ips: loopback()},
		{kind: "link_no_right", account: partner, ips: loopback()},
		{kind: "link_unbound", account: partner, permissions: trade},
	} {
		root.apiKey, root.label, root.created = binanceKeyText(), "root", now
		root.variant = "master"
		if root.account == partner {
			root.variant = "link"
		}
		if root.signer == nil {
			root.secret = binanceKeyText()
		}
		books.addKey(&root)
	}
}

// binanceKeyText draws an API key or a secret.
func binanceKeyText() string { return randomText(64, alphanumeric) }

// addSubAccount names a sub-account of a master by its e-mail address, one of an
// Exchange Link account by its number.
func (b *binance) addSubAccount(books *books, now time.Time, master *account) *account {
	number := randomNumber(binanceNumberDigits)
	email := "desk" + randomText(6, digits) + "_virtual@" + randomText(8, lowerHex) + "email.com"
	sub := &account{id: email, name: number, parent: master, created: now}
	if master.id == b.linkMaster {
		sub.id, sub.name = number, email
	}
	return books.addAccount(sub)
}

// binanceWeight is the limit of a /sapi endpoint that counts by address.
func binanceWeight(weight int) limit {
	return limit{quota: 12000, window: time.Minute, by: perAddress, weight: weight}
}

// binanceKeyWeight is the limit of a /sapi endpoint that counts by account: 60
// requests a minute.
func binanceKeyWeight() limit { return limit{quota: 180000, window: time.Minute, weight: 3000} }

// binanceSpotWeight is the limit that all of /api shares.
func binanceSpotWeight(weight int) limit {
	return limit{quota: 6000, window: time.Minute, by: perAddress, weight: weight, bucket: "/api"}
}

func (b *binance) routes() []route {
	light, heavy := []limit{binanceWeight(1)}, []limit{binanceKeyWeight()}
	// Exchange Link makes and deletes one key a second on each sub-account.
	link := []limit{binanceWeight(8), binanceKeyWeight(), {quota: 1, window: time.Second, of: b.linkSubAccountOf}}
	return []route{
		{pattern: "GET /api/v3/time", operation: exchanges.OpServerTime, public: true, handle: b.serverTime, limits: []limit{binanceSpotWeight(1)}},
		{pattern: "GET /sapi/v1/system/status", operation: opOther, public: true, handle: b.systemStatus, limits: light},
		{pattern: "GET /sapi/v1/account/apiRestrictions", operation: exchanges.OpInspect, handle: b.restrictions, limits: light},

		{pattern: "GET /sapi/v1/sub-account/list", operation: exchanges.OpSubAccounts, permit: b.masterOnly, handle: b.listMasterSubs, limits: light},
		{pattern: "POST /sapi/v1/sub-account/virtualSubAccount", operation: opOther, permit: b.mayManageMaster, handle: b.createMasterSub, limits: light},
		{pattern: "POST /sapi/v1/sub-account/subAccountApi", operation: exchanges.OpCreateKey, permit: b.mayManageMaster, handle: b.createMasterKey, limits: heavy},
		{pattern: "POST /sapi/v2/sub-account/subAccountApi", operation: exchanges.OpCreateKey, permit: b.mayManageMaster, handle: b.createMasterKeyV2, limits: heavy},
		{pattern: "GET /sapi/v1/sub-account/subAccountApi", operation: exchanges.OpListKeys, permit: b.mayManageMaster, handle: b.listMasterKeys, limits: heavy},
		{pattern: "DELETE /sapi/v1/sub-account/subAccountApi", operation: exchanges.OpDeleteKey, permit: b.mayManageMaster, handle: b.deleteMasterKey, limits: heavy},
		{pattern: "POST /sapi/v1/sub-account/subAccountApiPermission", operation: exchanges.OpEditKey, permit: b.mayManageMaster, handle: b.permitMasterKey, limits: heavy},
		{pattern: "POST /sapi/v2/sub-account/subAccountApi/ipRestriction", operation: exchanges.OpEditKey, permit: b.mayManageMaster, handle: b.restrictMasterKey, limits: heavy},
		{pattern: "GET /sapi/v1/sub-account/subAccountApi/ipRestriction", operation: opOther, permit: b.mayManageMaster, handle: b.masterAddresses, limits: heavy},

		{pattern: "GET /sapi/v1/broker/info", operation: opOther, permit: b.linkOnly, handle: b.linkInfo, limits: light},
		{pattern: "GET /sapi/v1/broker/subAccount", operation: exchanges.OpSubAccounts, permit: b.linkOnly, handle: b.listLinkSubs, limits: light},
		{pattern: "POST /sapi/v1/broker/subAccount", operation: opOther, permit: b.mayManageLink, handle: b.createLinkSub, limits: light},
		{pattern: "DELETE /sapi/v1/broker/subAccount", operation: opOther, permit: b.mayManageLink, handle: b.deleteLinkSub, limits: light},
		{pattern: "POST /sapi/v1/broker/subAccountApi", operation: exchanges.OpCreateKey, permit: b.mayManageLink, handle: b.createLinkKey, limits: link},
		{pattern: "GET /sapi/v1/broker/subAccountApi", operation: exchanges.OpListKeys, permit: b.mayManageLink, handle: b.listLinkKeys, limits: light},
		{pattern: "DELETE /sapi/v1/broker/subAccountApi", operation: exchanges.OpDeleteKey, permit: b.mayManageLink, handle: b.deleteLinkKey, limits: link},
		{pattern: "POST /sapi/v1/broker/subAccountApi/permission", operation: exchanges.OpEditKey, permit: b.mayManageLink, handle: b.permitLinkKey, limits: light},
		{pattern: "POST /sapi/v1/broker/subAccountApi/permission/universalTransfer", operation: exchanges.OpEditKey, permit: b.mayManageLink, handle: b.permitLinkTransfer, limits: light},
		{pattern: "POST /sapi/v1/broker/subAccountApi/permission/vanillaOptions", operation: exchanges.OpEditKey, permit: b.mayManageLink, handle: b.permitLinkOptions, limits: light},
		{pattern: "POST /sapi/v2/broker/subAccountApi/ipRestriction", operation: exchanges.OpEditKey, permit: b.mayManageLink, handle: b.restrictLinkKey, limits: heavy},
		{pattern: "GET /sapi/v1/broker/subAccountApi/ipRestriction", operation: opOther, permit: b.mayManageLink, handle: b.linkAddresses, limits: light},

		{pattern: "GET /api/v3/account", operation: exchanges.OpUseKey, handle: b.spotAccount, limits: []limit{binanceSpotWeight(20)}},
		{pattern: "POST /api/v3/order", operation: exchanges.OpUseKey, permit: b.needs(binanceTrade), handle: b.order, limits: []limit{binanceSpotWeight(1)}},
		{pattern: "POST /sapi/v1/margin/borrow-repay", operation: exchanges.OpUseKey, permit: b.needs(binanceMasterMargin, binanceLinkMargin), handle: b.borrow, limits: light},
		{pattern: "POST /fapi/v1/order", operation: exchanges.OpUseKey, permit: b.needs(binanceMasterFutures, binanceLinkFutures), handle: b.order},
		{pattern: "POST /eapi/v1/order", operation: exchanges.OpUseKey, permit: b.needs(binanceOptions), handle: b.order},
		{pattern: "POST /sapi/v1/asset/transfer", operation: exchanges.OpUseKey, permit: b.needs(binanceTransfer), handle: b.transfer, limits: light},
		// No key can be given the permission for this.
		{pattern: "POST /sapi/v1/capital/withdraw/apply", operation: exchanges.OpUseKey, handle: b.badKey, limits: light},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (b *binance) ok(c *call, body any) *answer {
	return b.withWeights(c, jsonAnswer(http.StatusOK, body))
}

// refuse answers with a code and a text; 401 for what concerns the calling key,
// 429 for the limits, 400 for everything else.
func (b *binance) refuse(c *call, code int, message string) *answer {
	status := http.StatusBadRequest
	switch code {
	case binanceUnauthorized, binanceBadKeyFormat, binanceBadKey:
		status = http.StatusUnauthorized
	case binanceTooManyRequests:
		status = http.StatusTooManyRequests
	}
	return b.withWeights(c, jsonAnswer(status, map[string]any{"code": code, "msg": message}))
}

// withWeights adds the headers that tell what has been used of the limits.
func (b *binance) withWeights(c *call, a *answer) *answer {
	for _, q := range c.quotas {
		if q.limit.weight == 0 {
			continue
		}
		name := "X-Sapi-Used-Uid-Weight-1m"
		switch {
		case q.limit.bucket != "":
			name = "X-Mbx-Used-Weight-1m"
		case q.limit.by == perAddress:
			name = "X-Sapi-Used-Ip-Weight-1m"
		}
		a.set(name, strconv.Itoa(q.used))
	}
	return a
}

func (b *binance) badKey(c *call) *answer {
	return b.refuse(c, binanceBadKey, "Invalid API-key, IP, or permissions for action.")
}

func (b *binance) badParameter(c *call, why *complaint) *answer {
	code := map[reason]int{
		malformed: binanceIllegalCharacters, missing: binanceMissing, unknown: binanceUnread, duplicate: binanceDuplicate,
		wrongType: binanceBadValue, badValue: binanceBadValue,
	}[why.reason]
	return b.refuse(c, code, "Parameter '"+why.param+"' "+string(why.reason)+".")
}

func (b *binance) rateLimited(c *call, q quota) *answer {
	seconds := (q.wait + time.Second - 1) / time.Second
	return b.refuse(c, binanceTooManyRequests, "Too many requests; current limit is exceeded.").
		set("Retry-After", strconv.Itoa(int(seconds)))
}

func (b *binance) notFound(*call) *answer {
	return textAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not found</h2></body></html>\n")
}

func (b *binance) serverTime(c *call) *answer {
	return b.ok(c, map[string]int64{"serverTime": c.now.UnixMilli()})
}

func (b *binance) systemStatus(c *call) *answer {
	return b.ok(c, map[string]any{"status": 0, "msg": "normal"})
}

// needs permits a key that has one of the permissions.
func (b *binance) needs(permissions ...string) func(*call) *answer {
	return func(c *call) *answer {
		if !c.key.has(permissions...) {
			return b.badKey(c)
		}
		return nil
	}
}

// ofMaster permits keys of master accounts of one kind, and tells the other kind
// what the refusal is.
func (b *binance) ofMaster(c *call, isLink bool, otherKind *answer) *answer {
	switch {
	case c.key.account.parent != nil:
		return b.badKey(c)
	case (c.key.account.id == b.linkMaster) != isLink:
		return otherKind
	}
	return nil
}

func (b *binance) masterOnly(c *call) *answer {
	return b.ofMaster(c, false, b.refuse(c, binanceIsLinkAccount, "This account is not supported."))
}

func (b *binance) linkOnly(c *call) *answer {
	return b.ofMaster(c, true, b.refuse(c, binanceUnauthorized, "You are not authorized to execute this request."))
}

// mayManageMaster permits what masterOnly permits, with the option to trade.
func (b *binance) mayManageMaster(c *call) *answer {
	if refusal := b.masterOnly(c); refusal != nil {
		return refusal
	}
	return b.needs(binanceTrade)(c)
}

// mayManageLink permits what linkOnly permits, with the option to trade.
func (b *binance) mayManageLink(c *call) *answer {
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
