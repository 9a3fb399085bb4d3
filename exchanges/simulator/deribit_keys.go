package simulator

import (
	"crypto/ed25519"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// readScope reads a scope of keys, and tells whether every element is one. What
// grants nothing is left out.
func (d *deribit) readScope(text string) (elements []string, known bool) {
	levels := map[string]string{}
	for element := range strings.FieldsSeq(text) {
		area, level, _ := strings.Cut(element, ":")
		_, twice := levels[area]
		if twice || !slices.Contains([]string{"account", "trade", "wallet", "block_trade", "block_rfq"}, area) ||
			!slices.Contains([]string{"none", "read", "read_write"}, level) {
			return nil, false
		}
		levels[area] = level
		if level != "none" {
			elements = append(elements, element)
		}
	}
	return elements, len(levels) > 0
}

// deribitKeyParams are the parameters that say what a key is like.
type deribitKeyParams struct {
	scope     []string
	name      string
	addresses []string
}

func (d *deribit) readKey(p *params) deribitKeyParams {
	p.require("max_scope")
	scope, known := d.readScope(p.text("max_scope"))
	p.check("max_scope", known)
	wanted := deribitKeyParams{scope: scope, name: p.text("name")}
	p.check("name", deribitIsName(wanted.name))
	var features []string
	if p.value("enabled_features", &features) {
		for _, feature := range features {
			p.check("enabled_features", feature == "restricted_block_trades" || feature == "block_trade_approval")
		}
	}
	return wanted
}

func deribitIsName(name string) bool {
	return len(name) <= 16 && strings.Trim(name, alphanumeric+"_") == ""
}

// exceeds tells whether a scope goes beyond what the caller holds.
func (d *deribit) exceeds(c *call, scope []string) bool {
	return slices.ContainsFunc(scope, func(element string) bool { return !d.holds(c.key, element) })
}

// surplus is what a key may get unasked under the fault GrantMore.
func (d *deribit) surplus() []string { return []string{"account:read", "block_trade:read"} }

// createKey answers private/create_api_key. The key is bound to no address.
func (d *deribit) createKey(c *call) *answer {
	var wanted deribitKeyParams
	k := &key{id: randomNumber(7), apiKey: d.clientID(), account: c.key.account, created: c.now}
	return d.with(c, func(p *params) {
		wanted = d.readKey(p)
		if p.given("public_key") {
			public, ok := deribitPublicKey(p.text("public_key"))
			p.check("public_key", ok)
			k.public = public
		}
	}, func() *answer {
		switch {
		case d.exceeds(c, wanted.scope):
			return d.refuse(c, deribitScopeExceeded)
		case len(c.books.keysOf(k.account)) >= deribitMaxKeys:
			// The documentation names no code for this.
			return d.refuse(c, deribitBadRequest)
		}
		if k.public == nil {
			k.secret = d.clientSecret()
		}
		k.label, k.permissions = wanted.name, c.grant(wanted.scope, d.surplus()...)
		return d.ok(c, d.keyView(c.books.addKey(k)))
	})
}

// editKey answers private/edit_api_key.
func (d *deribit) editKey(c *call) *answer {
	var wanted deribitKeyParams
	var bind, rename bool
	return d.withKey(c, func(p *params) {
		wanted, rename = d.readKey(p), p.given("name")
		bind = p.value("ip_whitelist", &wanted.addresses)
		for _, address := range wanted.addresses {
			parsed, err := netip.ParseAddr(address)
			p.check("ip_whitelist", err == nil && parsed.Is4())
		}
	}, func(k *key) *answer {
		if d.exceeds(c, wanted.scope) {
			return d.refuse(c, deribitScopeExceeded)
		}
		k.permissions = c.grant(wanted.scope, d.surplus()...)
		if rename {
			k.label = wanted.name
		}
		if bind {
			k.ips = wanted.addresses
		}
		return d.ok(c, d.keyView(k))
	})
}

// renameKey answers private/change_api_key_name.
func (d *deribit) renameKey(c *call) *answer {
	var name string
	return d.withKey(c, func(p *params) {
		p.require("name")
		name = p.text("name")
		p.check("name", deribitIsName(name))
	}, func(k *key) *answer {
		k.label = name
		return d.ok(c, d.keyView(k))
	})
}

// listKeys answers private/list_api_keys. The documentation contradicts itself
// on whether it shows secrets; here it does.
func (d *deribit) listKeys(c *call) *answer {
	return d.with(c, func(*params) {}, func() *answer {
		rows := []any{}
		for _, k := range c.books.keysOf(c.key.account) {
			rows = append(rows, d.keyView(k))
		}
		return d.ok(c, rows)
	})
}

// deleteKey answers private/remove_api_key.
func (d *deribit) deleteKey(c *call) *answer {
	return d.withKey(c, func(*params) {}, func(k *key) *answer {
		c.removeKey(k)
		return d.ok(c, "ok")
	})
}

// withKey finds the key of the acting account that a call names by its id. Its
// refusal of a key that does not exist is not documented.
func (d *deribit) withKey(c *call, read func(*params), handle func(*key) *answer) *answer {
	var k *key
	return d.with(c, func(p *params) {
		p.require("id")
		id := strconv.FormatInt(p.integer("id", 0), 10)
		read(p)
		for _, own := range c.books.keysOf(c.key.account) {
			if own.id == id {
				k = own
			}
		}
		p.check("id", k != nil)
	}, func() *answer {
		if d.exceeds(c, k.permissions) {
			return d.refuse(c, deribitScopeExceeded)
		}
		return handle(k)
	})
}

// keyView is a key as answers show it, its scope in an order of their own.
func (d *deribit) keyView(k *key) map[string]any {
	scope := slices.Clone(k.permissions)
	slices.Sort(scope)
	slices.Reverse(scope)
	if len(scope) == 0 {
		scope = []string{"wallet:none", "trade:none", "account:none"}
	}
	view := map[string]any{
		"id": json.Number(k.id), "timestamp": k.created.UnixMilli(), "client_id": k.apiKey, "client_secret": k.secret, "name": k.label,
		"max_scope": strings.Join(scope, " "), "enabled": true, "default": false, "enabled_features": []string{},
		"ip_whitelist": append([]string{}, k.ips...),
	}
	if public := k.publicKey(); public != nil {
		text := publicPEM(public)
		view["public_key"], view["client_secret"] = text, deribitFingerprint(text)
	}
	return view
}

// deribitPublicKey reads the public half of a key pair of the caller's own
// making.
func deribitPublicKey(text string) (any, bool) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, false
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, false
	}
	switch public := public.(type) {
	case ed25519.PublicKey:
		return public, true
	case *rsa.PublicKey:
		return public, public.N.BitLen() >= 2048
	}
	return nil, false
}

// deribitFingerprint is what stands in place of the secret of a key pair: MD5 of
// the DER form, in hex with colons.
func deribitFingerprint(publicPEM string) string {
	block, _ := pem.Decode([]byte(publicPEM))
	sum := md5.Sum(block.Bytes)
	var pairs []string
	for _, b := range sum {
		pairs = append(pairs, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}
