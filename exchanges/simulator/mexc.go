package simulator

import (
	"crypto"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// mexc plays the spot v3 API of MEXC for master accounts as documented at
// https://www.mexc.com/api-docs/spot-v3/introduction. Where the documentation
// leaves a rule open, it does the strictest thing that the documentation allows.
// Futures trading, which MEXC serves on a host of its own and with another
// signature, is served here as well, with this one.
type mexc struct{}

func newMEXC() rules { return &mexc{} }

// Error codes, from https://www.mexc.com/api-docs/spot-v3/error-code.
const (
	mexcNoKey             = 400
	mexcTooManyRequests   = 429
	mexcUnknownKey        = 10072
	mexcNoSubAccount      = 140001
	mexcFrozen            = 140002
	mexcBadSignature      = 700002
	mexcBadTimestamp      = 700003
	mexcBadWindow         = 700005
	mexcBadAddress        = 700006
	mexcNoPermission      = 700007
	mexcIllegalCharacters = 700008
	mexcBadContentType    = 700013
	mexcSubNameExists     = 730101
	mexcNoSubName         = 730600
	mexcBadSubName        = 730601
	mexcNoSubNote         = 730602
	mexcNoNote            = 730700
	mexcNoPermissions     = 730701
	mexcUnknownPermission = 730702
	mexcTooManyAddresses  = 730703
	mexcBadAddressList    = 730704
	mexcKeyCap            = 730705
	mexcNoSuchKey         = 730706
	mexcNoKeyParameter    = 730707
)

// The permissions of keys that rules ask for. None includes another.
const (
	mexcAccountRead   = "SPOT_ACCOUNT_READ"
	mexcAccountWrite  = "SPOT_ACCOUNT_WRITE"
	mexcDealRead      = "SPOT_DEAL_READ"
	mexcDealWrite     = "SPOT_DEAL_WRITE"
	mexcFuturesWrite  = "CONTRACT_DEAL_WRITE"
	mexcTransferWrite = "SPOT_TRANSFER_WRITE"
)

// mexcUnboundLife is how long a key without addresses lasts.
const mexcUnboundLife = 90 * 24 * time.Hour

func (m *mexc) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: randomNumber(8), created: now})
	for _, root := range []key{
		{kind: mainRoot, permissions: []string{mexcAccountRead, mexcAccountWrite}, ips: loopback()},
		{kind: "no_right", permissions: []string{mexcDealRead}, ips: loopback()},
		{kind: "unbound", permissions: []string{mexcAccountRead, mexcAccountWrite}, expires: now.Add(mexcUnboundLife)},
		// MEXC's pages disagree on whether this is enough to make keys.
		{kind: "reader", permissions: []string{mexcAccountRead}, ips: loopback()},
	} {
		root.apiKey, root.secret = mexcKeyText(), randomText(32, lowerHex)
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

// mexcKeyText draws an API key.
func mexcKeyText() string { return "mx0" + randomText(19, alphanumeric) }

// addSubAccount names a sub-account by its name; the number is its second name.
func (m *mexc) addSubAccount(books *books, now time.Time, master *account) *account {
	return books.addAccount(&account{
		id: "desk" + randomText(8, digits), name: randomNumber(8), parent: master, created: now,
	})
}

// mexcLimit is the limit of one endpoint, by address and by account.
func mexcLimit(weight int) []limit {
	return []limit{
		{quota: 300, window: 10 * time.Second, by: perAddress, weight: weight},
		{quota: 300, window: 10 * time.Second, by: perAccount, weight: weight},
	}
}

func (m *mexc) routes() []route {
	const list, create, keys = "/api/v3/sub-account/list", "/api/v3/sub-account/virtualSubAccount", "/api/v3/sub-account/apiKey"
	read, write := m.manages(mexcAccountRead), m.manages(mexcAccountWrite)
	return []route{
		{pattern: "GET /api/v3/time", operation: exchanges.OpServerTime, public: true, handle: m.serverTime, limits: mexcLimit(1)[:1]},
		{pattern: "GET /api/v3/ping", operation: opOther, public: true, handle: m.ping, limits: mexcLimit(1)[:1]},
		{pattern: "GET /api/v3/account", operation: exchanges.OpInspect, permit: m.needs(mexcAccountRead), handle: m.spotAccount, limits: mexcLimit(10)},

		{pattern: "GET " + list, operation: exchanges.OpSubAccounts, permit: read, handle: m.listSubAccounts, limits: mexcLimit(1)},
		{pattern: "POST " + create, operation: opOther, permit: write, handle: m.createSubAccount, limits: mexcLimit(1)},
		{pattern: "POST " + keys, operation: exchanges.OpCreateKey, permit: write, handle: m.createKey, limits: mexcLimit(1)},
		{pattern: "GET " + keys, operation: exchanges.OpListKeys, permit: read, handle: m.listKeys, limits: mexcLimit(1)},
		{pattern: "DELETE " + keys, operation: exchanges.OpDeleteKey, permit: write, handle: m.deleteKey, limits: mexcLimit(1)},

		{pattern: "POST /api/v3/order", operation: exchanges.OpUseKey, permit: m.needs(mexcDealWrite), handle: m.order, limits: mexcLimit(1)},
		{pattern: "POST /api/v1/private/order/submit", operation: exchanges.OpUseKey, permit: m.needs(mexcFuturesWrite), handle: m.futuresOrder},
		{pattern: "POST /api/v3/capital/transfer", operation: exchanges.OpUseKey, permit: m.needs(mexcTransferWrite), handle: m.transfer, limits: mexcLimit(1)},
		// No key can be given the permission for this.
		{pattern: "POST /api/v3/capital/withdraw", operation: exchanges.OpUseKey, handle: m.noPermission, limits: mexcLimit(1)},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (m *mexc) ok(body any) *answer { return jsonAnswer(http.StatusOK, body) }

// refuse answers with a code and a text. Which HTTP status goes with which code
// is not documented, but for rate limits.
func (m *mexc) refuse(code int, message string) *answer {
	status := http.StatusBadRequest
	if code == mexcTooManyRequests {
		status = http.StatusTooManyRequests
	}
	return jsonAnswer(status, map[string]any{"code": code, "msg": message})
}

func (m *mexc) noPermission(*call) *answer {
	return m.refuse(mexcNoPermission, "No permission to access the endpoint")
}

// malformed answers to parameters that cannot be read, or that MEXC does not
// know.
func (m *mexc) malformed(why *complaint) *answer { return m.refuse(mexcIllegalCharacters, why.Error()) }

func (m *mexc) rateLimited(_ *call, q quota) *answer {
	seconds := (q.wait + time.Second - 1) / time.Second
	return m.refuse(mexcTooManyRequests, "Too many requests").set("Retry-After", strconv.Itoa(int(seconds)))
}

func (m *mexc) notFound(*call) *answer {
	return textAnswer(http.StatusNotFound, "text/html", "<html><body><h2>404 Not Found</h2></body></html>\n")
}

func (m *mexc) serverTime(c *call) *answer {
	return m.ok(map[string]int64{"serverTime": c.now.UnixMilli()})
}

func (m *mexc) ping(*call) *answer { return m.ok(struct{}{}) }

// needs permits a key that has the permission.
func (m *mexc) needs(permission string) func(*call) *answer {
	return func(c *call) *answer {
		if !c.key.has(permission) {
			return m.noPermission(c)
		}
		return nil
	}
}

// manages permits a key of a master that has the permission.
func (m *mexc) manages(permission string) func(*call) *answer {
	return func(c *call) *answer {
		if c.key.account.parent != nil {
			return m.noPermission(c)
		}
		return m.needs(permission)(c)
	}
}
