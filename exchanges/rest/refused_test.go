package rest

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

// An exchange that asks to be left alone for a week is asked again every ten
// minutes, by one call, however many keys are to be deleted.
func TestWeekOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		week := reply{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"604800"}}}
		s := &stub{answers: []reply{week}}
		client := newStubClient(t, s, func(c *Config) {
			c.Limits = []exchanges.RateLimit{{Operation: revoke, Requests: 100, Per: time.Second}}
		})
		deletion := Call{Operation: revoke, Method: http.MethodDelete, Path: "/key", Effect: Idempotent}
		ctx := exchanges.WithRevoking(exchanges.WithPatience(t.Context(), 5*time.Second))
		storm := func() {
			var deletions sync.WaitGroup
			for range 40 {
				deletions.Go(func() {
					err := client.Do(ctx, deletion, nil)
					assert.ErrorIs(t, err, exchanges.ErrRateLimited)
					var failure *exchanges.Error
					assert.True(t, errors.As(err, &failure))
					assert.LessOrEqual(t, failure.RetryAfter, pace.MaxPause)
				})
			}
			deletions.Wait()
		}
		require.ErrorIs(t, client.Do(ctx, deletion, nil), exchanges.ErrRateLimited)
		began := time.Now()
		for time.Since(began) < time.Hour {
			start := time.Now()
			storm()
			require.Less(t, time.Since(start), time.Second, "nobody waits in vain")
			time.Sleep(time.Minute)
		}
		require.Len(t, s.sent(), 6, "one at first, and then one every ten minutes")
		require.ErrorContains(t, client.Do(ctx, deletion, nil), "429", "the seventh")
		require.ErrorContains(t, client.Do(ctx, deletion, nil), "is asked again in 10m0s")

		s.mu.Lock()
		s.answers = []reply{ok(`{}`)}
		s.mu.Unlock()
		time.Sleep(pace.MaxPause)
		var deletions sync.WaitGroup
		for range 40 {
			deletions.Go(func() { assert.NoError(t, client.Do(ctx, deletion, nil)) })
		}
		deletions.Wait()
	})
}
