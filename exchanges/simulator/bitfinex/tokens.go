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
	longestLife = 604800 // seconds; not documented, taken from Bitfinex's own applications
)

// grantable lists the capabilities that a token can be given.
func grantable() []string { return []string{"a", "o", "f", "s", "w", "wd", "bp"} }

// createToken answers POST /v2/auth/w/token. Only this answer shows the token.
// A token never has more rights than the key that made it, and a token needs
// the right to the account to make another. What the documentation leaves open
// is refused.
func (e *exchange) createToken(c *venue.Call) *venue.Answer {
	var caps []string
	p := venue.JSONParams(c.Body)
	p.Require("scope", "caps")
	p.Check("scope", p.Text("scope") == "api")
	life := p.Integer("ttl", defaultLife)
	longest := int64(longestLife)
	if c.Weather(longestToken) != "" {
		longest = longestLife / 7
	}
	p.Check("ttl", life > 0 && life <= longest)
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
	lacks := func(right string) bool { return !e.may(c.Key, right) }
	if c.Weather(lackingRight) != "" {
		asked = slices.DeleteFunc(asked, lacks)
	}
	beyond := slices.ContainsFunc(asked, lacks)
	if refusal := e.full(c); refusal != nil {
		return refusal
	}
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

// sided appends the side of a right to each capability.
func sided(caps []string, side string) []string {
	rights := make([]string, len(caps))
	for i, word := range caps {
		rights[i] = word + side
	}
	return rights
}

// capsOf writes rights as the capabilities that a token shows.
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

// name is a token's name in the books. Unlike the token it may be shown.
func name(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "tok_" + hex.EncodeToString(sum[:])[:32]
}

// elapsed is the time that tokens end by. They count down their own time,
// whatever the exchange's clock shows.
func (e *exchange) elapsed(c *venue.Call) time.Time {
	if c.Fault.Kind == venue.ClockSkew {
		return c.Now.Add(-c.Fault.Delay)
	}
	return c.Now
}

// accountOf is the account that a key acts for.
func (e *exchange) accountOf(c *venue.Call, k *venue.Key) *venue.Account {
	if k.Account.Parent == nil {
		return c.Books.SubAccounts(k.Account)[0]
	}
	return k.Account
}

// deleteToken answers POST /v2/auth/w/token/del when a key of the account, or
// the token itself, asks.
func (e *exchange) deleteToken(c *venue.Call) *venue.Answer {
	p := venue.JSONParams(c.Body)
	text := p.Text("token")
	if why := p.StrictComplaint(); why != nil {
		return e.malformed(why)
	}
	k := e.token(c, text)
	if answer := e.undeleted(c); answer != nil {
		return answer
	}
	if k == nil || e.isToken(c.Key) && c.Key != k {
		return e.dead(c)
	}
	c.RemoveKey(k)
	return e.ok([]int{1})
}
