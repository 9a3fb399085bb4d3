package simulator

import (
	"crypto"
	"net/http"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// bitfinex plays the API of Bitfinex as documented at https://docs.bitfinex.com,
// and the call that deletes a token as Bitfinex's own Node SDK makes it. What a
// key may do is held as capabilities with a side: "o:r" reads orders, "o:w" also
// writes them.
//
// A user is a master account here, and the account that tokens are minted for is
// the one below it, which has no name but "self". Below that are its
// sub-accounts, of which the API knows nothing.
type bitfinex struct {
	nonces map[string]int64 // last one, of each key and token
}

func newBitfinex() rules {
	b := &bitfinex{}
	b.reset()
	return b
}

func (b *bitfinex) reset() { b.nonces = make(map[string]int64) }

// Error codes, from https://docs.bitfinex.com/docs/abbreviations-glossary.
const (
	bitfinexGeneric     = 10001
	bitfinexBadParams   = 10020
	bitfinexAuthFailed  = 10100
	bitfinexSmallNonce  = 10114
	bitfinexRateLimited = 11010
)

func (b *bitfinex) seed(books *books, now time.Time, _ func() crypto.Signer) {
	master := books.addAccount(&account{id: "user " + randomNumber(7), created: now})
	books.addAccount(&account{id: "self", parent: master, created: now})
	all := []string{"a:r", "o:w", "f:w", "s:r", "w:w", "wd:w"}
	for _, root := range []key{
		{kind: mainRoot, permissions: all, ips: loopback()},
		{kind: "no_right", permissions: []string{"a:r"}, ips: loopback()},
		{kind: "reader", permissions: []string{"o:r", "w:r"}, ips: loopback()},
		{kind: "unbound", permissions: all},
	} {
		root.apiKey, root.secret = randomText(43, alphanumeric), randomText(43, alphanumeric)
		root.account, root.label, root.created = master, "root", now
		books.addKey(&root)
	}
}

func (b *bitfinex) addSubAccount(books *books, now time.Time, master *account) *account {
	owner := books.subAccounts(master)[0]
	return books.addAccount(&account{id: randomNumber(7), parent: owner, created: now})
}

func (b *bitfinex) routes() []route {
	// The rate that is documented for permissions is taken for all calls.
	limits := []limit{{quota: 90, window: time.Minute, by: perAddress, ban: time.Minute}}
	return []route{
		{pattern: "POST /v2/auth/r/permissions", operation: exchanges.OpInspect, handle: b.permissions, limits: limits},
		{pattern: "POST /v2/auth/w/token", operation: exchanges.OpCreateKey, handle: b.createToken, limits: limits},
		{pattern: "POST /v2/auth/w/token/del", operation: exchanges.OpDeleteKey, handle: b.deleteToken, limits: limits},

		{pattern: "POST /v2/auth/r/wallets", operation: exchanges.OpUseKey, permit: b.needs("w:r"), handle: b.wallets, limits: limits},
		{pattern: "POST /v2/auth/r/orders", operation: exchanges.OpUseKey, permit: b.needs("o:r"), handle: b.orders, limits: limits},
		{pattern: "POST /v2/auth/w/order/submit", operation: exchanges.OpUseKey, permit: b.needs("o:w"), handle: b.submitOrder, limits: limits},
		{pattern: "POST /v2/auth/w/transfer", operation: exchanges.OpUseKey, permit: b.needs("w:w"), handle: b.transfer, limits: limits},
		{pattern: "POST /v2/auth/w/withdraw", operation: exchanges.OpUseKey, permit: b.needs("wd:w"), handle: b.withdraw, limits: limits},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (b *bitfinex) ok(body any) *answer { return jsonAnswer(http.StatusOK, body) }

// refuse answers with a code and a text. The status of refusals is a server's
// failure.
func (b *bitfinex) refuse(code int, text string) *answer {
	return jsonAnswer(http.StatusInternalServerError, []any{"error", code, text})
}

func (b *bitfinex) rateLimited(*call, quota) *answer {
	return jsonAnswer(http.StatusTooManyRequests, []any{"error", bitfinexRateLimited, "ratelimit: error"})
}

func (b *bitfinex) notFound(*call) *answer {
	return textAnswer(http.StatusNotFound, "text/html", "<html><body><h1>404 Not Found</h1></body></html>\n")
}

// malformed answers to parameters that cannot be read, or that Bitfinex does not
// know.
func (b *bitfinex) malformed(why *complaint) *answer {
	return b.refuse(bitfinexBadParams, why.param+": invalid")
}

// needs permits a key that has the right.
func (b *bitfinex) needs(right string) func(*call) *answer {
	return func(c *call) *answer {
		if !b.may(c.key, right) {
			return b.refuse(bitfinexGeneric, "ERR_AUTH_UNAUTHORIZED")
		}
		return nil
	}
}

// may tells whether a key has a right: who may write may read.
func (b *bitfinex) may(k *key, right string) bool {
	return k.has(right) || k.has(right[:len(right)-1]+"w")
}

// permissions answers POST /v2/auth/r/permissions for the calling key or token.
func (b *bitfinex) permissions(c *call) *answer {
	if why := jsonParams(c.body).strictComplaint(); why != nil {
		return b.malformed(why)
	}
	rows := []any{}
	for _, row := range []struct {
		name string
		caps []string // any of which brings the row
	}{
		{"account", []string{"a"}}, {"history", []string{"a", "o", "f", "w"}}, {"orders", []string{"o"}}, {"positions", []string{"o"}},
		{"funding", []string{"f"}}, {"settings", []string{"s"}}, {"wallets", []string{"w"}}, {"withdraw", []string{"wd"}},
		{"ui_withdraw", nil}, {"bfxpay", []string{"bp"}}, {"eaas_agreement", nil},
	} {
		side := func(letter string) int {
			if slices.ContainsFunc(row.caps, func(cap string) bool { return b.may(c.key, cap+":"+letter) }) {
				return 1
			}
			return 0
		}
		rows = append(rows, []any{row.name, side("r"), side("w")})
	}
	return b.ok(rows)
}
