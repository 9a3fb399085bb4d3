package deribit

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

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// readScope reads a scope of keys, and reports whether every element is known.
// It leaves out elements that grant nothing.
func (e *exchange) readScope(text string) (elements []string, known bool) {
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

// keyParams are the parameters that describe a key.
type keyParams struct {
	scope     []string
	name      string
	addresses []string
}

func (e *exchange) readKey(p *venue.Params) keyParams {
	p.Require("max_scope")
	scope, known := e.readScope(p.Text("max_scope"))
	p.Check("max_scope", known)
	wanted := keyParams{scope: scope, name: p.Text("name")}
	p.Check("name", isName(wanted.name))
	var features []string
	if p.Value("enabled_features", &features) {
		for _, feature := range features {
			p.Check("enabled_features", feature == "restricted_block_trades" || feature == "block_trade_approval")
		}
	}
	return wanted
}

func isName(name string) bool {
	return len(name) <= 16 && strings.Trim(name, venue.Alphanumeric+"_") == ""
}

// exceeds reports whether a scope goes beyond what the caller holds.
func (e *exchange) exceeds(c *venue.Call, scope []string) bool {
	return slices.ContainsFunc(scope, func(element string) bool { return !e.holds(c.Key, element) })
}

// surplus is what a key may get without asking under the fault GrantMore.
func (e *exchange) surplus() []string { return []string{"account:read", "block_trade:read"} }

// createKey answers private/create_api_key. The new key is bound to no address.
func (e *exchange) createKey(c *venue.Call) *venue.Answer {
	var wanted keyParams
	k := &venue.Key{ID: venue.RandomNumber(7), APIKey: e.clientID(), Account: c.Key.Account, Created: c.Now}
	return e.with(c, func(p *venue.Params) {
		wanted = e.readKey(p)
		if p.Given("public_key") {
			public, ok := publicKey(p.Text("public_key"))
			p.Check("public_key", ok)
			k.Public = public
		}
	}, func() *venue.Answer {
		switch {
		case e.exceeds(c, wanted.scope):
			return e.refuse(c, scopeExceeded)
		case len(wanted.scope) == 0 && c.Weather(unscoped) != "":
			return e.refuseUnscoped(c)
		case len(c.Books.KeysOf(k.Account)) >= maxKeys && c.Weather(fullAccount) == newCode:
			return e.refuse(c, somethingNew)
		case len(c.Books.KeysOf(k.Account)) >= maxKeys:
			// The documentation has no code for this.
			return e.refuse(c, badRequest)
		}
		if k.Public == nil {
			k.Secret = e.clientSecret()
		}
		k.Label, k.Permissions = wanted.name, c.Grant(wanted.scope, e.surplus()...)
		return e.ok(c, e.keyView(c.Books.AddKey(k)))
	})
}

// editKey answers private/edit_api_key.
func (e *exchange) editKey(c *venue.Call) *venue.Answer {
	var wanted keyParams
	var bind, rename, toggle, enabled bool
	return e.withKey(c, func(p *venue.Params) {
		wanted, rename = e.readKey(p), p.Given("name")
		toggle, enabled = p.Given("enabled"), p.Flag("enabled", true)
		bind = p.Value("ip_whitelist", &wanted.addresses)
		for _, address := range wanted.addresses {
			parsed, err := netip.ParseAddr(address)
			p.Check("ip_whitelist", err == nil && parsed.Is4())
		}
	}, func(k *venue.Key) *venue.Answer {
		if e.exceeds(c, wanted.scope) {
			return e.refuse(c, scopeExceeded)
		}
		k.Permissions = c.Grant(wanted.scope, e.surplus()...)
		if rename {
			k.Label = wanted.name
		}
		if toggle {
			e.disabled[k.APIKey] = !enabled
		}
		if bind {
			k.IPs = wanted.addresses
		}
		return e.ok(c, e.keyView(k))
	})
}

// renameKey answers private/change_api_key_name.
func (e *exchange) renameKey(c *venue.Call) *venue.Answer {
	var name string
	return e.withKey(c, func(p *venue.Params) {
		p.Require("name")
		name = p.Text("name")
		p.Check("name", isName(name))
	}, func(k *venue.Key) *venue.Answer {
		k.Label = name
		return e.ok(c, e.keyView(k))
	})
}

// listKeys answers private/list_api_keys. The documentation contradicts itself
// on whether it shows secrets; here it does.
func (e *exchange) listKeys(c *venue.Call) *venue.Answer {
	return e.with(c, func(*venue.Params) {}, func() *venue.Answer {
		rows := []any{}
		for _, k := range c.Listed(c.Key.Account) {
			row := e.keyView(k)
			if c.Weather(listSecrets) == hidden {
				delete(row, "client_secret")
			}
			rows = append(rows, row)
		}
		return e.ok(c, rows)
	})
}

// deleteKey answers private/remove_api_key.
func (e *exchange) deleteKey(c *venue.Call) *venue.Answer {
	return e.withKey(c, func(*venue.Params) {}, func(k *venue.Key) *venue.Answer {
		c.RemoveKey(k)
		return e.ok(c, "ok")
	})
}

// withKey finds the key of the acting account that a call names by id. How
// Deribit refuses a key that does not exist is not documented.
func (e *exchange) withKey(c *venue.Call, read func(*venue.Params), handle func(*venue.Key) *venue.Answer) *venue.Answer {
	var k *venue.Key
	return e.with(c, func(p *venue.Params) {
		p.Require("id")
		id := strconv.FormatInt(p.Integer("id", 0), 10)
		read(p)
		for _, own := range c.Books.KeysOf(c.Key.Account) {
			if own.ID == id {
				k = own
			}
		}
		p.Check("id", k != nil)
	}, func() *venue.Answer {
		if e.exceeds(c, k.Permissions) {
			return e.refuse(c, scopeExceeded)
		}
		return handle(k)
	})
}

// keyView is a key as answers show it, with its scope in Deribit's order.
func (e *exchange) keyView(k *venue.Key) map[string]any {
	scope := slices.Clone(k.Permissions)
	slices.Sort(scope)
	slices.Reverse(scope)
	if len(scope) == 0 {
		scope = []string{"wallet:none", "trade:none", "account:none"}
	}
	view := map[string]any{
		"id": json.Number(k.ID), "timestamp": k.Created.UnixMilli(), "client_id": k.APIKey, "client_secret": k.Secret, "name": k.Label,
		"max_scope": strings.Join(scope, " "), "enabled": !e.disabled[k.APIKey], "default": false, "enabled_features": []string{},
		"ip_whitelist": append([]string{}, k.IPs...),
	}
	if public := k.PublicKey(); public != nil {
		text := venue.PublicPEM(public)
		view["public_key"], view["client_secret"] = text, fingerprint(text)
	}
	return view
}

// publicKey reads the public half of the caller's own key pair.
func publicKey(text string) (any, bool) {
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

// fingerprint stands in for the secret of a key pair: MD5 of the DER form, in
// hex with colons.
func fingerprint(publicPEM string) string {
	block, _ := pem.Decode([]byte(publicPEM))
	sum := md5.Sum(block.Bytes)
	var pairs []string
	for _, b := range sum {
		pairs = append(pairs, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}
