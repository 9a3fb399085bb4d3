package backend

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// parseAddresses reads addresses and CIDR blocks into their canonical form. It
// refuses what is malformed, a block with bits set beyond its mask, and one that means
// "anywhere".
func parseAddresses(field string, items []string) ([]string, error) {
	var canonical []string
	for _, item := range items {
		prefix, err := parsePrefix(item)
		switch {
		case err != nil:
			return nil, invalid(field, "%q is not an IP address or CIDR block; give for example 203.0.113.7 or 203.0.113.0/24", item)
		case prefix.Bits() == 0:
			return nil, invalid(field, "%q means every address; name the addresses from which the key is to work", item)
		case prefix.Addr() != prefix.Masked().Addr():
			return nil, invalid(field, "%q has address bits beyond its mask; did you mean %s?", item, prefix.Masked())
		}
		text := prefix.String()
		if prefix.IsSingleIP() {
			text = prefix.Addr().String()
		}
		if !slices.Contains(canonical, text) {
			canonical = append(canonical, text)
		}
	}
	return canonical, nil
}

func parsePrefix(item string) (netip.Prefix, error) {
	if strings.Contains(item, "/") {
		return netip.ParsePrefix(item)
	}
	address, err := netip.ParseAddr(item)
	if err != nil || address.Zone() != "" || address.IsUnspecified() {
		return netip.Prefix{}, errNotAddress
	}
	return netip.PrefixFrom(address, address.BitLen()), nil
}

var errNotAddress = errors.New("not an address")

// The most that the addresses of one key may come to, as bits of a mask: a list of
// wider blocks is as good as none.
const (
	widestIPv4 = 8
	widestIPv6 = 32
)

// checkWidth refuses addresses that come to nearly anywhere.
func checkWidth(field string, addresses []string) error {
	var ipv4, ipv6 float64 // as shares of the widest
	for i, item := range addresses {
		if within([]string{item}, addresses[:i]) || within([]string{item}, addresses[i+1:]) {
			continue // It adds nothing.
		}
		prefix, err := parsePrefix(item)
		if err != nil {
			continue // It is refused elsewhere.
		}
		if prefix.Addr().Is4() {
			ipv4 += math.Pow(2, float64(widestIPv4-prefix.Bits()))
		} else {
			ipv6 += math.Pow(2, float64(widestIPv6-prefix.Bits()))
		}
	}
	if ipv4 > 1 || ipv6 > 1 {
		return invalid(field, "%s is too wide: together the blocks may come to an IPv4 /%d and an IPv6 /%d at most; name the addresses that are really used",
			strings.Join(addresses, ","), widestIPv4, widestIPv6)
	}
	return nil
}

// checkAddresses refuses addresses that the exchange does not take, or that bind a
// key to nearly nothing.
func checkAddresses(field string, addresses []string, rule exchanges.AddressRule) error {
	if err := checkWidth(field, addresses); err != nil {
		return err
	}
	if rule.None && len(addresses) > 0 {
		return invalid(field, "the exchange cannot bind keys to addresses; leave the field out")
	}
	if rule.Max > 0 && len(addresses) > rule.Max {
		return invalid(field, "%d addresses given; the exchange takes at most %d", len(addresses), rule.Max)
	}
	if joined := strings.Join(addresses, ","); rule.MaxLength > 0 && len(joined) > rule.MaxLength {
		return invalid(field, "the list is %d characters long; the exchange takes at most %d", len(joined), rule.MaxLength)
	}
	for _, item := range addresses {
		prefix, err := parsePrefix(item)
		if err != nil {
			return invalid(field, "%q is not an IP address or CIDR block", item)
		}
		if !prefix.IsSingleIP() && !rule.CIDR {
			return invalid(field, "%q is a block; the exchange takes single addresses only", item)
		}
		if prefix.Addr().Is6() && !rule.IPv6 {
			return invalid(field, "%q is an IPv6 address; the exchange takes IPv4 only", item)
		}
	}
	return nil
}

// addressesMissing says what to do about a key that needs addresses and has
// none.
func (l *link) addressesMissing() error {
	if l.variant.Addresses.None {
		return refuse("connection %q requires addresses for every scope beyond read, and the exchange cannot bind keys to any; "+
			"to mint there all the same, set require_ip_allowlist=false on the connection", l.name)
	}
	return invalid("ip_allowlist", "missing; connection %q requires addresses for every scope beyond read, so give ip_allowlist, allowed_ip_ranges or bind_client_ip", l.name)
}

// within reports whether every address lies in one of the blocks.
func within(addresses, blocks []string) bool {
	return !slices.ContainsFunc(addresses, func(item string) bool {
		return !slices.ContainsFunc(blocks, func(block string) bool { return contains(block, item) })
	})
}

// contains reports whether a block holds every address of another.
func contains(block, item string) bool {
	outer, err := parsePrefix(block)
	if err != nil {
		return false
	}
	inner, err := parsePrefix(item)
	return err == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// keyAddresses settles the addresses of one key: the caller's own one where
// the role binds to it, else the caller's choice within what the role allows,
// else the role's.
func keyAddresses(r role, caller string, chosen []string) ([]string, error) {
	allowed := slices.Concat(r.IPAllowlist, r.AllowedIPRanges)
	switch {
	case r.BindClientIP && len(chosen) > 0:
		return nil, invalid("ip_allowlist", "this role binds each key to the caller's own address; leave the field out")
	case r.BindClientIP:
		bound, err := parseAddresses("bind_client_ip", []string{caller})
		if err != nil || !within(bound, r.AllowedIPRanges) {
			return nil, refuse("your address %q is not in the role's allowed_ip_ranges (%s), to which it binds each key", caller, strings.Join(r.AllowedIPRanges, ", "))
		}
		return bound, nil
	case len(chosen) > 0:
		if !within(chosen, allowed) {
			return nil, invalid("ip_allowlist", "%s is not within what the role allows: %s", strings.Join(chosen, ", "), orNothing(allowed))
		}
		return chosen, nil
	case len(r.IPAllowlist) == 0 && len(r.AllowedIPRanges) > 0:
		return nil, invalid("ip_allowlist", "missing; choose addresses from: %s", strings.Join(r.AllowedIPRanges, ", "))
	}
	return parseAddresses("ip_allowlist", r.IPAllowlist)
}

func orNothing(items []string) string {
	if len(items) == 0 {
		return "nothing"
	}
	return strings.Join(items, ", ")
}
