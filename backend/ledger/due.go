package ledger

import (
	"errors"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

const (
	// PendingGrace is how old a pending entry must be before it is settled: older
	// than any call that still makes a key can be. Whoever is at work on it longer
	// holds its claim.
	PendingGrace = 2 * time.Minute
	// LeaseGrace is how long after its lease a key may stay before it is deleted
	// though Vault has not asked: Vault is given the first try.
	LeaseGrace = 30 * time.Second
	// firstRetry and LastRetry are the shortest and the longest gap between
	// attempts at deletion, which go on for ever.
	firstRetry = 15 * time.Second
	// LastRetry is the longest gap.
	LastRetry = 10 * time.Minute
)

// dueAt is when a key must next be looked at. It is a pure function of the entry.
func dueAt(entry Entry) time.Time {
	switch entry.State {
	case Pending:
		return later(entry.Created.Add(PendingGrace), entry.NextTry)
	case Live:
		return entry.Expires.Add(LeaseGrace)
	default:
		return entry.NextTry
	}
}

// wantedGone is since when a key should have been gone: in the future for one that
// is live and within its lease. It is a pure function of the entry.
func wantedGone(entry Entry) time.Time {
	switch entry.State {
	case Pending:
		return entry.Created.Add(PendingGrace)
	case Live:
		return entry.Expires
	default:
		return entry.Revoking
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// retryDelay is how long to wait after the n-th failed attempt (from 1). Where the
// failure says how long, such as until the exchange's rate limit allows the next
// call, it is that; but nothing that an exchange says puts a deletion off by more
// than LastRetry.
func retryDelay(attempts int, failure error) time.Duration {
	var refused *exchanges.Error
	if errors.As(failure, &refused) && (refused.Kind == exchanges.ErrRateLimited || refused.RetryAfter > 0) {
		return min(max(refused.RetryAfter, time.Second), LastRetry)
	}
	return exchanges.Doubling(firstRetry, LastRetry, attempts)
}
