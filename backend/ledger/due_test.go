package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// noTime is an elapsed time that stands still.
func noTime() time.Duration { return 0 }

func TestDueAt(t *testing.T) {
	entry := Entry{Created: start, Expires: start.Add(time.Hour), NextTry: start.Add(3 * time.Hour)}
	for state, want := range map[State]time.Time{
		Pending:  start.Add(3 * time.Hour),
		Live:     start.Add(time.Hour + LeaseGrace),
		Revoking: start.Add(3 * time.Hour),
	} {
		entry.State = state
		require.Equal(t, want, dueAt(entry), state)
	}
	require.Equal(t, start.Add(PendingGrace), dueAt(Entry{State: Pending, Created: start}))
}

// A key with an owner has no lease to go by: it stays until another has taken its place.
func TestDueAtOfOwnedKeys(t *testing.T) {
	entry := Entry{State: Live, Owner: "somebody", Created: start, HardLimit: start.Add(time.Hour)}
	century := start.AddDate(100, 0, 0)
	require.True(t, dueAt(entry).After(century))
	require.True(t, wantedGone(entry).After(century))
	entry.RetireAt = start.Add(time.Minute)
	require.Equal(t, entry.RetireAt, dueAt(entry))
	require.Equal(t, entry.RetireAt, wantedGone(entry))
	entry.State, entry.NextTry = Revoking, start.Add(time.Hour)
	require.Equal(t, entry.NextTry, dueAt(entry))
	entry.State = Pending
	require.Equal(t, entry.NextTry, dueAt(entry))
}

func TestWantedGone(t *testing.T) {
	entry := Entry{Created: start, Expires: start.Add(time.Hour), Revoking: start.Add(2 * time.Hour)}
	for state, want := range map[State]time.Time{
		Pending:  start.Add(PendingGrace),
		Live:     start.Add(time.Hour),
		Revoking: start.Add(2 * time.Hour),
	} {
		entry.State = state
		require.Equal(t, want, wantedGone(entry), state)
	}
}

func TestRetryDelayGrowsToALimit(t *testing.T) {
	require.Equal(t, firstRetry, retryDelay(1, nil))
	require.Equal(t, 2*firstRetry, retryDelay(2, nil))
	for n := 2; n < 1000; n *= 2 {
		require.GreaterOrEqual(t, retryDelay(n, nil), retryDelay(n-1, nil))
		require.LessOrEqual(t, retryDelay(n, nil), LastRetry)
	}
	require.Equal(t, LastRetry, retryDelay(1000, nil))
	require.Equal(t, 7*time.Second, retryDelay(9, &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: 7 * time.Second}))
	require.Equal(t, time.Second, retryDelay(9, &exchanges.Error{Kind: exchanges.ErrRateLimited}))
	require.Equal(t, time.Minute, retryDelay(1, &exchanges.Error{Kind: exchanges.ErrUnsupported, RetryAfter: time.Minute}))
	week := 7 * 24 * time.Hour
	require.Equal(t, LastRetry, retryDelay(1, &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: week}))
	require.Equal(t, LastRetry, retryDelay(1, &exchanges.Error{Kind: exchanges.ErrAuth, RetryAfter: week}))
}
