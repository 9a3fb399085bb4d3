// Package bitfinex plays the API of Bitfinex as documented at
// https://docs.bitfinex.com, and the call that deletes a token as Bitfinex's
// own Node SDK makes it. A key's rights are capabilities with a side: "o:r"
// reads orders, and "o:w" also writes them.
//
// A user is a master account here. Tokens are minted for the one account below
// it, which has no name but "self". Below that are the user's sub-accounts,
// which the API does not show.
package bitfinex

import (
	"crypto"
	"net/http"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// exchange is Bitfinex, with the state that the books do not hold.
type exchange struct {
	nonces map[string]int64 // the last one of each key and token
}

// Venue is the simulated Bitfinex.
func Venue() venue.Listing { return venue.Listing{Name: "bitfinex", New: newRules} }

func newRules() venue.Rules {
	e := &exchange{}
	e.Reset()
	return e
}

func (e *exchange) Reset() { e.nonces = make(map[string]int64) }

// Error codes, from https://docs.bitfinex.com/docs/abbreviations-glossary.
const (
	generic     = 10001
	badParams   = 10020
	authFailed  = 10100
	smallNonce  = 10114
	rateLimited = 11010
)

func (e *exchange) Seed(books *venue.Books, now time.Time, _ func() crypto.Signer) {
	master := books.AddAccount(&venue.Account{ID: "user " + venue.RandomNumber(7), Created: now})
	books.AddAccount(&venue.Account{ID: "self", Parent: master, Created: now})
	all := []string{"a:r", "o:w", "f:w", "s:r", "w:w", "wd:w"}
	for _, root := range []venue.Key{
		{Kind: venue.MainRoot, Permissions: all, IPs: venue.Loopback()},
		{Kind: "no_right", Permissions: []string{"a:r"}, IPs: venue.Loopback()},
		{Kind: "reader", Permissions: []string{"o:r", "w:r"}, IPs: venue.Loopback()},
		{Kind: "unbound", Permissions: all},
	} {
		root.APIKey, root.Secret = venue.RandomText(43, venue.Alphanumeric), venue.RandomText(43, venue.Alphanumeric)
		root.Account, root.Label, root.Created = master, "root", now
		books.AddKey(&root)
	}
}

func (e *exchange) AddSubAccount(books *venue.Books, now time.Time, master *venue.Account) *venue.Account {
	owner := books.SubAccounts(master)[0]
	return books.AddAccount(&venue.Account{ID: venue.RandomNumber(7), Parent: owner, Created: now})
}

func (e *exchange) Routes() []venue.Route {
	// The documentation gives a rate for permissions; all calls share it here.
	limits := []venue.Limit{{Quota: 90, Window: time.Minute, By: venue.PerAddress, Ban: time.Minute}}
	return []venue.Route{
		{Pattern: "POST /v2/auth/r/permissions", Operation: exchanges.OpInspect, Handle: e.permissions, Limits: limits},
		{Pattern: "POST /v2/auth/w/token", Operation: exchanges.OpCreateKey, Handle: e.createToken, Limits: limits},
		{Pattern: "POST /v2/auth/w/token/del", Operation: exchanges.OpDeleteKey, Handle: e.deleteToken, Limits: limits},

		{Pattern: "POST /v2/auth/r/wallets", Operation: exchanges.OpUseKey, Permit: e.needs("w:r"), Handle: e.wallets, Limits: limits},
		{Pattern: "POST /v2/auth/r/orders", Operation: exchanges.OpUseKey, Permit: e.needs("o:r"), Handle: e.orders, Limits: limits},
		{Pattern: "POST /v2/auth/w/order/submit", Operation: exchanges.OpUseKey, Permit: e.needs("o:w"), Handle: e.submitOrder, Limits: limits},
		{Pattern: "POST /v2/auth/w/transfer", Operation: exchanges.OpUseKey, Permit: e.needs("w:w"), Handle: e.transfer, Limits: limits},
		{Pattern: "POST /v2/auth/w/withdraw", Operation: exchanges.OpUseKey, Permit: e.needs("wd:w"), Handle: e.withdraw, Limits: limits},
	}
}

// ok answers with a bare JSON value: there is no envelope.
func (e *exchange) ok(body any) *venue.Answer { return venue.JSONAnswer(http.StatusOK, body) }

// refuse answers with a code and a text. Bitfinex refuses with the status of a
// server error.
func (e *exchange) refuse(code int, text string) *venue.Answer {
	return venue.JSONAnswer(http.StatusInternalServerError, []any{"error", code, text})
}

func (e *exchange) RateLimited(*venue.Call, venue.Quota) *venue.Answer {
	return venue.JSONAnswer(http.StatusTooManyRequests, []any{"error", rateLimited, "ratelimit: error"})
}

// notFoundPage is the answer of a path that does not exist.
const notFoundPage = "<html><body><h1>404 Not Found</h1></body></html>\n"

func (e *exchange) NotFound(*venue.Call) *venue.Answer {
	return venue.TextAnswer(http.StatusNotFound, "text/html", notFoundPage)
}

// malformed answers to parameters that cannot be read or that Bitfinex does not
// know.
func (e *exchange) malformed(why *venue.Complaint) *venue.Answer {
	return e.refuse(badParams, why.Param+": invalid")
}

// needs permits a key that has the right.
func (e *exchange) needs(right string) func(*venue.Call) *venue.Answer {
	return func(c *venue.Call) *venue.Answer {
		if !e.may(c.Key, right) {
			return e.refuse(generic, "ERR_AUTH_UNAUTHORIZED")
		}
		return nil
	}
}

// may reports whether a key has a right. The right to write includes the right
// to read.
func (e *exchange) may(k *venue.Key, right string) bool {
	return k.Has(right) || k.Has(right[:len(right)-1]+"w")
}

// permissions answers POST /v2/auth/r/permissions for the calling key or token.
func (e *exchange) permissions(c *venue.Call) *venue.Answer {
	if why := venue.JSONParams(c.Body).StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	if c.Weather(mayNotAsk) != "" && !e.may(c.Key, "a:r") {
		return e.refuse(generic, "ERR_AUTH_UNAUTHORIZED")
	}
	historic, positions := []string{"a", "o", "f", "w"}, []string{"o"}
	if c.Weather(ordersAlone) != "" {
		historic, positions = []string{"a"}, nil
	}
	rows := []any{}
	for _, row := range []struct {
		name string
		caps []string // any one of them sets the row
	}{
		{"account", []string{"a"}}, {"history", historic}, {"orders", []string{"o"}}, {"positions", positions},
		{"funding", []string{"f"}}, {"settings", []string{"s"}}, {"wallets", []string{"w"}}, {"withdraw", []string{"wd"}},
		{"ui_withdraw", nil}, {"bfxpay", []string{"bp"}}, {"eaas_agreement", nil},
	} {
		side := func(letter string) int {
			if slices.ContainsFunc(row.caps, func(right string) bool { return e.may(e.asks(c), right+":"+letter) }) {
				return 1
			}
			return 0
		}
		rows = append(rows, []any{row.name, side("r"), side("w")})
	}
	return e.ok(rows)
}
