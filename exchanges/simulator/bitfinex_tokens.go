package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
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
func (b *bitfinex) createToken(c *call) *answer {
	var caps []string
	p := jsonParams(c.body)
	p.require("scope", "caps")
	p.check("scope", p.text("scope") == "api")
	life := p.integer("ttl", bitfinexDefaultLife)
	p.check("ttl", life > 0 && life <= bitfinexLongestLife)
	p.value("caps", &caps)
	p.check("caps", len(caps) > 0 && !slices.ContainsFunc(caps, func(word string) bool { return !slices.Contains(bitfinexCaps(), word) }))
	side, mode := ":r", "read"
	if p.flag("writePermission", false) {
		side, mode = ":w", "write"
	}
	p.check("caps", mode == "write" || !slices.Contains(caps, "wd"))
	if address := p.text("_cust_ip"); address != "" {
		p.check("_cust_ip", address == "0")
	}
	if why := p.strictComplaint(); why != nil {
		return b.malformed(why)
	}
	asked, surplus := sided(caps, side), sided(bitfinexCaps(), side)
	beyond := slices.ContainsFunc(asked, func(right string) bool { return !b.may(c.key, right) })
	if beyond || b.isToken(c.key) && !b.may(c.key, "a:r") {
		return b.refuse(bitfinexGeneric, "ERR_AUTH_UNAUTHORIZED")
	}
	granted := c.grant(asked, surplus...)
	text := "pub:api:" + randomUUID() + bitfinexCapsOf(granted, side) + "-" + mode
	c.books.addKey(&key{
		apiKey: bitfinexName(text), secret: text, account: b.accountOf(c, c.key), permissions: granted,
		created: c.now, expires: b.elapsed(c).Add(time.Duration(life) * time.Second),
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
func (b *bitfinex) elapsed(c *call) time.Time {
	if c.fault.Kind == ClockSkew {
		return c.now.Add(-c.fault.Delay)
	}
	return c.now
}

// accountOf is the account for which a key acts.
func (b *bitfinex) accountOf(c *call, k *key) *account {
	if k.account.parent == nil {
		return c.books.subAccounts(k.account)[0]
	}
	return k.account
}

// deleteToken answers POST /v2/auth/w/token/del, to a key of the account or to
// the token itself.
func (b *bitfinex) deleteToken(c *call) *answer {
	p := jsonParams(c.body)
	text := p.text("token")
	if why := p.strictComplaint(); why != nil {
		return b.malformed(why)
	}
	k := b.token(c, text)
	if k == nil || b.isToken(c.key) && c.key != k {
		return b.refuse(bitfinexAuthFailed, "token: invalid")
	}
	c.removeKey(k)
	return b.ok([]int{1})
}
