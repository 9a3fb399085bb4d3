package binance

import (
	"crypto/ed25519"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// flags reads true-or-false parameters and returns the names of those that are
// true.
func (e *exchange) flags(p *venue.Params, names ...string) []string {
	var on []string
	for _, name := range names {
		if p.Flag(name, false) {
			on = append(on, name)
		}
	}
	return on
}

// setFlags writes into an answer which of the permissions a key has.
func (e *exchange) setFlags(body map[string]any, k *venue.Key, names ...string) map[string]any {
	for _, name := range names {
		body[name] = k.Has(name)
	}
	return body
}

// Values of the parameter status.
const (
	anyAddress = 1
	listed     = 2
)

// readRestriction reads the parameters status and ipAddress, a list of IPv4
// addresses. Status 3, which stands for the addresses of a company that Binance
// knows, is not simulated.
func (e *exchange) readRestriction(p *venue.Params) []string {
	p.Require("status")
	status, list := p.Integer("status", 0), p.Text("ipAddress")
	p.Check("status", status == anyAddress || status == listed)
	if status != listed {
		p.Check("ipAddress", list == "")
		return nil
	}
	p.Check("ipAddress", len(list) <= 500)
	return e.readAddresses(p)
}

func (e *exchange) readAddresses(p *venue.Params) []string {
	addresses := strings.Split(e.required(p, "ipAddress"), ",")
	for _, entry := range addresses {
		address, err := netip.ParseAddr(entry)
		p.Check("ipAddress", err == nil && address.Is4())
	}
	return addresses
}

// readPublicKey reads the caller's own public key into the key, or gives the
// key a secret if the caller sent none. It reports whether the key is an
// Ed25519 key.
func (e *exchange) readPublicKey(c *venue.Call, p *venue.Params, k *venue.Key) (isEd25519 bool) {
	if !p.Given("publicKey") {
		k.Secret = keyText()
		return false
	}
	public, err := e.parsePublicKey(p.Text("publicKey"))
	p.Check("publicKey", err == nil && (c.Weather(publicKeyForm) == "" || !strings.HasPrefix(p.Text("publicKey"), "-----")))
	k.Public = public
	_, isEd25519 = public.(ed25519.PublicKey)
	return isEd25519
}

// status is how answers describe the addresses that a key is bound to.
func (e *exchange) status(k *venue.Key) int {
	if len(k.IPs) == 0 {
		return anyAddress
	}
	return listed
}

// target finds the key of a sub-account that a request names. Read every other
// parameter first: it refuses those that nobody has read. How Binance refuses a
// key that does not exist is not documented.
func (e *exchange) target(c *venue.Call, p *venue.Params, subAccountName string) (*venue.Key, *venue.Answer) {
	apiKey := e.required(p, "subAccountApiKey")
	sub, refusal := e.subAccount(c, p, subAccountName)
	if refusal != nil {
		return nil, refusal
	}
	k := c.Books.Key(apiKey)
	if k == nil || k.Account != sub {
		return nil, e.badParameter(c, &venue.Complaint{Param: "subAccountApiKey", Reason: venue.BadValue})
	}
	return k, nil
}

// ipList is a key's address list as answers show it.
func (e *exchange) ipList(k *venue.Key) []string { return append([]string{}, k.IPs...) }

// permit sets the named permissions of a key to what the request says. A
// permission that the request leaves out is taken away.
func (e *exchange) permit(c *venue.Call, p *venue.Params, subAccountName string, names ...string) (*venue.Key, *venue.Answer) {
	asked := e.flags(p, names...)
	k, refusal := e.target(c, p, subAccountName)
	if refusal != nil {
		return nil, refusal
	}
	others := slices.DeleteFunc(slices.Clone(k.Permissions), func(name string) bool { return slices.Contains(names, name) })
	k.Permissions = append(others, c.Grant(asked, names...)...)
	return k, nil
}

// restrict sets the address list of a key.
func (e *exchange) restrict(c *venue.Call, subAccountName string) *venue.Answer {
	p := e.params(c)
	addresses := e.readRestriction(p)
	k, refusal := e.target(c, p, subAccountName)
	if refusal != nil {
		return refusal
	}
	k.IPs = addresses
	status := "1"
	if len(addresses) > 0 {
		status = "2"
	}
	return e.ok(c, map[string]any{"status": status, "ipList": e.ipList(k), "updateTime": c.Now.UnixMilli(), "apiKey": k.APIKey})
}

func (e *exchange) deleteKey(c *venue.Call, subAccountName string) *venue.Answer {
	k, refusal := e.target(c, e.params(c), subAccountName)
	if refusal != nil {
		return refusal
	}
	if c.Weather(frozenSubAccount) != "" {
		return e.refuse(c, unsupported, "The sub-account is frozen.")
	}
	c.RemoveKey(k)
	return e.ok(c, struct{}{})
}
