package bitfinex

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

const (
	defaultLife = 120    // seconds
	longestLife = 604800 // seconds: not documented; that of Bitfinex's own applications
)

// grantable lists the capabilities that a token can be given.
func grantable() []string { return []string{"a", "o", "f", "s", "w", "wd", "bp"} }

// createToken answers POST /v2/auth/w/token. The answer is the only place where
// the token is ever shown. A token never has more than the key that it is made
// with, and a token needs the right to the account to make another: what the
// documentation leaves open is refused.
func (e *exchange) createToken(c *venue.Call) *venue.Answer {
	var caps []string
	p := venue.JSONParams(c.Body)
	p.Require("scope", "caps")
	p.Check("scope", p.Text("scope") == "api")
	life := p.Integer("ttl", defaultLife)
	p.Check("ttl", life > 0 && life <= longestLife)
	p.Value("caps", &caps)
	p.Check("caps", len(caps) > 0 && !slices.ContainsFunc(caps, func(word string) bool { return !slices.Contains(grantable(), word) }))
	side, mode := ":r", "read"
	if p.Flag("writePermission", false) {
		side, mode = ":w", "write"
	}
	p.Check("caps", mode == "write" || !slices.Contains(caps, "wd"))
	if address := p.Text("_cust_ip"); address != "" {
		p.Check("_cust_ip", address == "0")
	}
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	asked, surplus := sided(caps, side), sided(grantable(), side)
	beyond := slices.ContainsFunc(asked, func(right string) bool { return !e.may(c.Key, right) })
	if beyond || e.isToken(c.Key) && !e.may(c.Key, "a:r") {
		return e.refuse(generic, "ERR_AUTH_UNAUTHORIZED")
	}
	granted := c.Grant(asked, surplus...)
	text := "pub:api:" + venue.RandomUUID() + capsOf(granted, side) + "-" + mode
	c.Books.AddKey(&venue.Key{
		APIKey: name(text), Secret: text, Account: e.accountOf(c, c.Key), Permissions: granted,
		Created: c.Now, Expires: e.elapsed(c).Add(time.Duration(life) * time.Second),
	})
	return e.ok([]string{text})
}

// sided puts the side of a right behind each capability.
func sided(caps []string, side string) []string {
	rights := make([]string, len(caps))
	for i, word := range caps {
		rights[i] = word + side
	}
	return rights
}

// capsOf writes the capabilities of rights as a token shows them.
func capsOf(rights []string, side string) string {
	if len(rights) == 0 {
		return ""
	}
	text := "-caps"
	for _, right := range rights {
		text += ":" + strings.TrimSuffix(right, side)
	}
	return text
}

// name names a token in the books, which may be shown where the token
// may not.
func name(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "tok_" + hex.EncodeToString(sum[:])[:32]
}

// elapsed is the time by which tokens end: they count theirs down, whatever the
// exchange's clock shows.
func (e *exchange) elapsed(c *venue.Call) time.Time {
	if c.Fault.Kind == venue.ClockSkew {
		return c.Now.Add(-c.Fault.Delay)
	}
	return c.Now
}

// accountOf is the account for which a key acts.
func (e *exchange) accountOf(c *venue.Call, k *venue.Key) *venue.Account {
	if k.Account.Parent == nil {
		return c.Books.SubAccounts(k.Account)[0]
	}
	return k.Account
}

// deleteToken answers POST /v2/auth/w/token/del, to a key of the account or to
// the token itself.
func (e *exchange) deleteToken(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	text := p.Text("token")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	k := e.token(c, text)
	if k == nil || e.isToken(c.Key) && c.Key != k {
		return e.refuse(authFailed, "token: invalid")
	}
	c.RemoveKey(k)
	return e.ok([]int{1})
}
