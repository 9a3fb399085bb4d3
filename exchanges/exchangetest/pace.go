package exchangetest

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// busy is how many keys are made at once where they must meet the limit on making
// keys.
const busy = 12

func (s *suite) testPace(t *testing.T) {
	t.Run("the documented limits are kept", func(t *testing.T) {
		s.bubble(t, 1, func(t *testing.T, b *bubble) {
			account := b.account(t)
			orders := s.busyOrders(t, b)
			for _, o := range orders {
				key := o.create(t.Context(), t, account)
				require.NoError(t, o.delete(t.Context(), account, key))
			}
			assert.Equal(t, len(orders), b.calls(exchanges.OpCreateKey), "the exchange had to refuse calls for exceeding the rate")
			assert.Equal(t, len(orders), b.calls(exchanges.OpDeleteKey), "the exchange had to refuse calls for exceeding the rate")
		})
	})
	t.Run("revocations go ahead", func(t *testing.T) {
		s.bubble(t, s.felt(), s.testRevocationsFirst)
	})
	t.Run("a refusal is waited out", func(t *testing.T) {
		s.bubble(t, 1, s.testRefusalForRate)
	})
	t.Run("refusals without end", func(t *testing.T) {
		s.bubble(t, 1, func(t *testing.T, b *bubble) {
			account := b.account(t)
			b.inject(t, exchanges.OpCreateKey, simulator.RateLimit, 0, 0)
			o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			_, err := account.CreateKey(t.Context(), o.KeyRequest)
			require.ErrorIs(t, err, exchanges.ErrRateLimited)
			assertKind(t, err)
			assert.LessOrEqual(t, b.calls(exchanges.OpCreateKey), 3)
			assert.Empty(t, b.live(o.SubAccount))
		})
	})
}

// felt multiplies the documented limits so that busy keys made at once exceed the
// limit on making keys, where that is too wide otherwise.
func (s *suite) felt() float64 {
	for _, limit := range s.variant.RateLimits {
		// A tenth of a limit may be used at once.
		if atOnce := limit.Requests / 10; limit.Operation == exchanges.OpCreateKey && atOnce > busy {
			return busy / 2 / float64(atOnce)
		}
	}
	return 1
}

// busyOrders spreads orders over the sub-accounts.
func (s *suite) busyOrders(t *testing.T, b *bubble) []order {
	subAccounts := b.root(t).SubAccounts
	orders := make([]order, s.room(busy+1)-1)
	for i := range orders {
		orders[i] = s.order(t, subAccounts[i%len(subAccounts)], s.readGrant(t))
	}
	return orders
}

// testRevocationsFirst starts more creations than the limit lets through and then a
// revocation, which must not end last.
func (s *suite) testRevocationsFirst(t *testing.T, b *bubble) {
	account := b.account(t)
	condemned := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	key := condemned.create(t.Context(), t, account)

	var running sync.WaitGroup
	var mu sync.Mutex
	var lastMint time.Time
	for _, o := range s.busyOrders(t, b) {
		running.Go(func() {
			_, err := account.CreateKey(t.Context(), o.KeyRequest)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			lastMint = time.Now()
		})
	}
	synctest.Wait()
	require.NoError(t, condemned.delete(exchanges.WithRevoking(t.Context()), account, key))
	revoked := time.Now()
	running.Wait()
	assert.True(t, revoked.Before(lastMint), "the revocation ended at %s, the last creation at %s", revoked, lastMint)
}

// testRefusalForRate checks that after an exchange's refusal for rate the error
// says how long it holds, and that no call is made before then.
func (s *suite) testRefusalForRate(t *testing.T, b *bubble) {
	account := b.account(t)
	b.wire.instead(nil)
	// Let the rate limit recover from the first calls.
	time.Sleep(time.Hour)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))

	b.inject(t, exchanges.OpCreateKey, simulator.RateLimit, 1, 0)
	refused := time.Now()
	_, err := account.CreateKey(exchanges.WithPatience(t.Context(), 0), o.KeyRequest)
	require.ErrorIs(t, err, exchanges.ErrRateLimited)
	assert.Equal(t, refused, time.Now(), "a caller without patience must be told at once")
	assert.Equal(t, 1, b.calls(exchanges.OpCreateKey))
	var failure *exchanges.Error
	require.True(t, errors.As(err, &failure))
	require.Positive(t, failure.RetryAfter)

	o.create(t.Context(), t, account)
	assert.GreaterOrEqual(t, time.Since(refused), failure.RetryAfter, "the next call came too early")

	b.inject(t, exchanges.OpCreateKey, simulator.RateLimit, 1, 0)
	second := s.order(t, o.SubAccount, s.readGrant(t))
	second.create(t.Context(), t, account)
	assert.Equal(t, 4, b.calls(exchanges.OpCreateKey), "a refusal for rate is safe to repeat")
	assert.Len(t, b.live(o.SubAccount), 2)
}
