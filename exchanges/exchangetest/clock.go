package exchangetest

import (
	"cmp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func (s *suite) testClock(t *testing.T) {
	skew := cmp.Or(s.ClockSkew, 3*time.Minute)
	skews := map[string]time.Duration{"ahead": skew, "behind": -skew}
	if s.Clockless {
		s.testNoClock(t, skews)
		return
	}
	for name, skew := range skews {
		t.Run("the exchange is "+name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				b.inject(t, exchanges.OpAny, simulator.ClockSkew, 0, skew)
				account := b.account(t)
				assert.Equal(t, 1, b.calls(exchanges.OpInspect), "the clock must be measured before the first signed call")
				identity, err := account.Inspect(t.Context())
				require.NoError(t, err)
				assert.InDelta(t, skew.Seconds(), identity.ClockOffset.Seconds(), 1)
			})
		})
		t.Run("the exchange turns "+name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				measured := b.calls(exchanges.OpServerTime)
				b.inject(t, exchanges.OpAny, simulator.ClockSkew, 0, skew)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				o.create(t.Context(), t, account)
				assert.Len(t, b.live(o.SubAccount), 1)
				if !s.Timeless {
					assert.Equal(t, measured+1, b.calls(exchanges.OpServerTime), "the clock must be measured once more")
				}
				_, err := account.SubAccounts(t.Context())
				require.NoError(t, err)
				assert.Equal(t, measured+1, b.calls(exchanges.OpServerTime), "the measurement must be kept")
			})
		})
	}
	t.Run("a clock that contradicts itself", func(t *testing.T) {
		if s.Timeless {
			return
		}
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account := b.account(t)
			b.inject(t, exchanges.OpCreateKey, simulator.ClockSkew, 0, skews["ahead"])
			o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			_, err := account.CreateKey(t.Context(), o.KeyRequest)
			require.ErrorIs(t, err, cmp.Or(s.ClockRefusal, exchanges.ErrInvalid))
			assert.ErrorContains(t, err, "clock")
			assert.Equal(t, 2, b.calls(exchanges.OpCreateKey), "one repeat and no more")
			assert.Empty(t, b.live(o.SubAccount))
		})
	})
}

// testNoClock checks that no clock is asked and that a wrong one does no harm.
func (s *suite) testNoClock(t *testing.T, skews map[string]time.Duration) {
	for name, skew := range skews {
		t.Run("the exchange is "+name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				b.inject(t, exchanges.OpAny, simulator.ClockSkew, 0, skew)
				account := b.account(t)
				identity, err := account.Inspect(t.Context())
				require.NoError(t, err)
				assert.Zero(t, identity.ClockOffset)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				key := o.create(t.Context(), t, account)
				require.NoError(t, o.delete(t.Context(), account, key))
				assert.Zero(t, b.calls(exchanges.OpServerTime))
			})
		})
	}
}
