package simulator

import (
	"crypto/ed25519"
	"net/netip"
	"slices"
	"strings"
)

// flags reads true-or-false parameters and returns the names of those that are
// true.
func (b *binance) flags(p *params, names ...string) []string {
	var on []string
	for _, name := range names {
		if p.flag(name, false) {
			on = append(on, name)
		}
	}
	return on
}

// setFlags writes into an answer which of the permissions a key has.
func (b *binance) setFlags(body map[string]any, k *key, names ...string) map[string]any {
	for _, name := range names {
		body[name] = k.has(name)
	}
	return body
}

// Values of the parameter status.
const (
	binanceAnyAddress = 1
	binanceListed     = 2
)

// readRestriction reads the parameters status and ipAddress, a list of IPv4
// addresses. The third status, for the addresses of a company that Binance
// knows, is not simulated.
func (b *binance) readRestriction(p *params) []string {
	p.require("status")
	status, list := p.integer("status", 0), p.text("ipAddress")
	p.check("status", status == binanceAnyAddress || status == binanceListed)
	if status != binanceListed {
		p.check("ipAddress", list == "")
		return nil
	}
	p.check("ipAddress", len(list) <= 500)
	return b.readAddresses(p)
}

func (b *binance) readAddresses(p *params) []string {
	addresses := strings.Split(b.required(p, "ipAddress"), ",")
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.check("ipAddress", err == nil && address.Is4())
	}
	return addresses
}

// readPublicKey reads the public key of the owner's own making into the key, or
// gives the key a secret if there is none. It tells whether it is an Ed25519 key.
func (b *binance) readPublicKey(p *params, k *key) (isEd25519 bool) {
	if !p.given("publicKey") {
		k.secret = binanceKeyText()
		return false
	}
	public, err := b.parsePublicKey(p.text("publicKey"))
	p.check("publicKey", err == nil)
	k.public = public
	_, isEd25519 = public.(ed25519.PublicKey)
	return isEd25519
}

// status is how answers write what addresses a key is bound to.
func (b *binance) status(k *key) int {
	if len(k.ips) == 0 {
		return binanceAnyAddress
	}
	return binanceListed
}

// target finds the key of a sub-account that a request names, once all of its
// parameters have been read. Its refusal of a key that does not exist is not
// documented.
func (b *binance) target(c *call, p *params, subAccountName string) (*key, *answer) {
	apiKey := b.required(p, "subAccountApiKey")
	sub, refusal := b.subAccount(c, p, subAccountName)
	if refusal != nil {
		return nil, refusal
	}
	k := c.books.key(apiKey)
	if k == nil || k.account != sub {
		return nil, b.badParameter(c, &complaint{"subAccountApiKey", badValue})
	}
	return k, nil
}

// ipList is a key's address list as answers show it.
func (b *binance) ipList(k *key) []string { return append([]string{}, k.ips...) }

// permit sets the named permissions of a key to what the request says: one that
// it leaves out is taken away.
func (b *binance) permit(c *call, p *params, subAccountName string, names ...string) (*key, *answer) {
	asked := b.flags(p, names...)
	k, refusal := b.target(c, p, subAccountName)
	if refusal != nil {
		return nil, refusal
	}
	others := slices.DeleteFunc(slices.Clone(k.permissions), func(name string) bool { return slices.Contains(names, name) })
	k.permissions = append(others, c.grant(asked, names...)...)
	return k, nil
}

// restrict sets the address list of a key.
func (b *binance) restrict(c *call, subAccountName string) *answer {
	p := b.params(c)
	addresses := b.readRestriction(p)
	k, refusal := b.target(c, p, subAccountName)
	if refusal != nil {
		return refusal
	}
	k.ips = addresses
	status := "1"
	if len(addresses) > 0 {
		status = "2"
	}
	return b.ok(c, map[string]any{"status": status, "ipList": b.ipList(k), "updateTime": c.now.UnixMilli(), "apiKey": k.apiKey})
}

func (b *binance) deleteKey(c *call, subAccountName string) *answer {
	k, refusal := b.target(c, b.params(c), subAccountName)
	if refusal != nil {
		return refusal
	}
	c.removeKey(k)
	return b.ok(c, struct{}{})
}
