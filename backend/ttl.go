package backend

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// lifetime is how long a key lives: ttl at first, maxTTL however often it is
// renewed.
type lifetime struct{ ttl, maxTTL time.Duration }

// defaultTTL is the lifetime where neither caller nor role says one, if the mount's
// default is not shorter: Vault's own default is 32 days, which nobody wants of a key
// by mistake.
const defaultTTL = time.Hour

// longTTL is a lifetime of which a role's writer is warned.
const longTTL = 24 * time.Hour

// leaseLimits is how long Vault lets leases of the mount last: at the longest, and where
// nobody says how long. One of 0 means that Vault could not be asked, or was not: unknown,
// not unlimited.
type leaseLimits struct{ longest, usual time.Duration }

// needsUsual reports whether a lifetime depends on the mount's usual one.
func needsUsual(wish time.Duration, r role) bool { return wish == 0 && r.TTL == 0 }

// mintLifetime settles the lifetime of a new key from the caller's wish (0 for
// none), the role, the connection and the mount.
func mintLifetime(wish time.Duration, r role, c connection, mount leaseLimits) (lifetime, error) {
	maxTTL := shortest(r.MaxTTL, c.MaxTTL, mount.longest)
	if maxTTL == 0 {
		return lifetime{}, refuse("Vault did not say how long a lease of this mount may last; set max_ttl on the role")
	}
	if wish > maxTTL {
		return lifetime{}, invalid("ttl", "%s is more than the %s that role, connection and mount allow", wish, maxTTL)
	}
	if r.TTL > 0 && wish > r.TTL {
		return lifetime{}, invalid("ttl", "%s is more than the role's ttl of %s; a request can only shorten it", wish, r.TTL)
	}
	ttl := wish
	for _, next := range []time.Duration{r.TTL, shortest(defaultTTL, mount.usual)} {
		if ttl == 0 {
			ttl = next
		}
	}
	return lifetime{ttl: min(ttl, maxTTL), maxTTL: maxTTL}, nil
}

// within bounds the lifetime to what the exchange itself allows. Where a lost key
// could not be found, only its own end bounds it, so it is made to end with its
// first lease. The exchange counts from when it is asked for the key, and the lease
// begins when it is made, which takes the making time at the longest.
func (l lifetime) within(v exchanges.Variant, making time.Duration) lifetime {
	if rule := v.NativeExpiry; rule != nil && rule.Max > 0 {
		longest := rule.Max - making
		l = lifetime{ttl: min(l.ttl, longest), maxTTL: min(l.maxTTL, longest)}
	}
	if v.Unlisted != "" {
		l.maxTTL = l.ttl
	}
	return l
}

// shortest returns the shortest of the durations that are set; 0 if none is.
func shortest(durations ...time.Duration) time.Duration {
	var least time.Duration
	for _, d := range durations {
		if d > 0 && (least == 0 || d < least) {
			least = d
		}
	}
	return least
}
