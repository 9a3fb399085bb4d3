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
	bitfinexDefaultLife = 120    // seconds
	bitfinexLongestLife = 604800 // seconds: not documented; that of Bitfinex's own applications
)

// bitfinexCaps lists the capabilities that a token can be given.
func bitfinexCaps() []string { return []string{"a", "o", "f", "s", "w", "wd", "bp"} }

// createToken answers POST /v2/auth/w/token. The answer is the only place where
// the token is ever shown. A token never has more than the key that it is made
// with, and a token needs the right to the account to make another: what the
// documentation leaves open is refused.
func (b *bitfinex) createToken(c *venue.Call) *venue.Answer {
	var caps []string
	p := venue.JSONParams(c.Body)
	p.Require("scope", "caps")
	p.Check("scope", p.Text("scope") == "api")
	life := p.Integer("ttl", bitfinexDefaultLife)
	p.Check("ttl", life > 0 && life <= bitfinexLongestLife)
	p.Value("caps", &caps)
	p.Check("caps", len(caps) > 0 && !slices.ContainsFunc(caps, func(word string) bool { return !slices.Contains(bitfinexCaps(), word) }))
	side, mode := ":r", "read"
	if p.Flag("writePermission", false) {
		side, mode = ":w", "write"
	}
	p.Check("caps", mode == "write" || !slices.Contains(caps, "wd"))
	if address := p.Text("_cust_ip"); address != "" {
		p.Check("_cust_ip", address == "0")
	}
	if why := p.StrictComplaint(); why != nil {
		return b.malformed(why)
	}
	asked, surplus := sided(caps, side), sided(bitfinexCaps(), side)
	beyond := slices.ContainsFunc(asked, func(right string) bool { return !b.may(c.Key, right) })
	if beyond || b.isToken(c.Key) && !b.may(c.Key, "a:r") {
		return b.refuse(bitfinexGeneric, "ERR_AUTH_UNAUTHORIZED")
	}
	granted := c.Grant(asked, surplus...)
	text := "pub:api:" + venue.RandomUUID() + bitfinexCapsOf(granted, side) + "-" + mode
	c.Books.AddKey(&venue.Key{
		APIKey: bitfinexName(text), Secret: text, Account: b.accountOf(c, c.Key), Permissions: granted,
		Created: c.Now, Expires: b.elapsed(c).Add(time.Duration(life) * time.Second),
	})
	return b.ok([]string{text})
}

// sided puts the side of a right behind each capability.
func sided(caps []string, side string) []string {
	rights := make([]string, len(caps))
	for i, word := range caps {
		rights[i] = word + side
	}
	return rights
}

// bitfinexCapsOf writes the capabilities of rights as a token shows them.
func bitfinexCapsOf(rights []string, side string) string {
	if len(rights) == 0 {
		return ""
	}
	text := "-caps"
	for _, right := range rights {
		text += ":" + strings.TrimSuffix(right, side)
	}
	return text
}

// bitfinexName names a token in the books, which may be shown where the token
// may not.
func bitfinexName(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "tok_" + hex.EncodeToString(sum[:])[:32]
}

// elapsed is the time by which tokens end: they count theirs down, whatever the
// exchange's clock shows.
func (b *bitfinex) elapsed(c *venue.Call) time.Time {
	if c.Fault.Kind == venue.ClockSkew {
		return c.Now.Add(-c.Fault.Delay)
	}
	return c.Now
}

// accountOf is the account for which a key acts.
func (b *bitfinex) accountOf(c *venue.Call, k *venue.Key) *venue.Account {
	if k.Account.Parent == nil {
		return c.Books.SubAccounts(k.Account)[0]
	}
	return k.Account
}

// deleteToken answers POST /v2/auth/w/token/del, to a key of the account or to
// the token itself.
func (b *bitfinex) deleteToken(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	text := p.Text("token")
	if why := p.StrictComplaint(); why != nil {
		return b.malformed(why)
	}
	k := b.token(c, text)
	if k == nil || b.isToken(c.Key) && c.Key != k {
		return b.refuse(bitfinexAuthFailed, "token: invalid")
	}
	c.RemoveKey(k)
	return b.ok([]int{1})
}
