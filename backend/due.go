package backend

import (
	"errors"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Bounds on the life of a key. Those of a mint and a revocation are chosen so
// that Vault, which holds locks meanwhile, is not kept waiting.
const (
	// createTimeout bounds the creation of a key at the exchange, waiting
	// for the rate limit not included, and all that follows from it.
	createTimeout = 30 * time.Second
	// aftermathTimeout bounds what is done about a key that came to nothing.
	aftermathTimeout = 20 * time.Second
	// maxMaxWait bounds a role's max_wait.
	maxMaxWait = 60 * time.Second
	// pendingGrace is how old a pending entry must be before the sweeper
	// settles it: older than any call that still makes a key can be. Whoever is
	// at work on the entry yet has a claim on it.
	pendingGrace = maxMaxWait + createTimeout + 30*time.Second
	// unlistedGrace is how long after its hard limit a key may be taken for
	// ended by itself at an exchange that lists none: longer than a mint can
	// take, and than what is added to a key's life so that its lease ends
	// first.
	unlistedGrace = pendingGrace + time.Minute
	// leaseGrace is how long after its lease a key may stay before the
	// sweeper deletes it: Vault is given the first try.
	leaseGrace = 30 * time.Second
	// revokeTimeout bounds one revocation asked for by Vault.
	revokeTimeout = 8 * time.Second
	// revokePatience is how long a revocation waits for the rate limit.
	revokePatience = 5 * time.Second
)

// Backoff between attempts at deletion, which go on for ever.
const (
	firstRetry = 15 * time.Second
	lastRetry  = 10 * time.Minute
)

// dueAt is when the sweeper must next look at a key. It is a pure function of
// the entry.
func dueAt(entry keyEntry) time.Time {
	switch entry.State {
	case statePending:
		return later(entry.Created.Add(pendingGrace), entry.NextTry)
	case stateLive:
		return entry.Expires.Add(leaseGrace)
	default:
		return entry.NextTry
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// retryDelay is how long to wait after the n-th failed attempt (from 1). Where
// the failure says how long, such as until the exchange's rate limit allows the
// next call, it is that.
func retryDelay(attempts int, failure error) time.Duration {
	var refused *exchanges.Error
	if errors.As(failure, &refused) && (refused.Kind == exchanges.ErrRateLimited || refused.RetryAfter > 0) {
		return max(refused.RetryAfter, time.Second)
	}
	delay := firstRetry
	for i := 1; i < attempts && delay < lastRetry; i++ {
		delay *= 2
	}
	return min(delay, lastRetry)
}
