package ledger

import (
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
	// firstRetry is the shortest gap between attempts at deletion, which go on for ever.
	firstRetry = 15 * time.Second
	// LastRetry is the longest.
	LastRetry = 10 * time.Minute
)

// dueAt is when a key must next be looked at. It is a pure function of the entry.
func dueAt(entry Entry) time.Time {
	switch entry.State {
	case Pending:
		return later(entry.Created.Add(PendingGrace), entry.NextTry)
	case Live:
		if entry.Owner != "" {
			return orNever(entry.RetireAt)
		}
		return entry.Expires.Add(LeaseGrace)
	default:
		return entry.NextTry
	}
}

// wantedGone is since when a key should have been gone: in the future for one that
// is live and within its lease, or in use by its owner. It is a pure function of the entry.
func wantedGone(entry Entry) time.Time {
	switch entry.State {
	case Pending:
		return entry.Created.Add(PendingGrace)
	case Live:
		if entry.Owner != "" {
			return orNever(entry.RetireAt)
		}
		return entry.Expires
	default:
		return entry.Revoking
	}
}

// orNever is the time, or, if that is zero, one that nobody lives to see.
func orNever(t time.Time) time.Time {
	if t.IsZero() {
		return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// retryDelay is how long to wait after the n-th failed attempt (from 1) at deletion.
func retryDelay(attempts int, failure error) time.Duration {
	return exchanges.RetryDelay(firstRetry, LastRetry, attempts, failure)
}
