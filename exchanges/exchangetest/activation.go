package exchangetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// testActivation checks, at an exchange that takes a while to accept a new key,
// that the account can tell when it does.
func (s *suite) testActivation(t *testing.T) {
	t.Parallel()
	venue := s.start(t)
	if s.variant.ActivationDelay == 0 {
		assert.Error(t, venue.Inject(simulator.Fault{
			Exchange: s.description.Name, Operation: exchanges.OpCreateKey, Kind: simulator.SlowStart, Delay: time.Minute,
		}), "no documented behaviour of this exchange")
		return
	}
	account := venue.account(t)
	prober := account.(exchanges.Prober)
	mint := func(t *testing.T, addresses ...string) exchanges.Key {
		o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
		o.Addresses = addresses
		return o.create(deadline(t), t, account)
	}
	t.Run("a key that is accepted at once", func(t *testing.T) {
		works, err := prober.KeyWorks(deadline(t), mint(t))
		require.NoError(t, err)
		assert.True(t, works)
	})
	t.Run("a key that is refused for its address is known", func(t *testing.T) {
		works, err := prober.KeyWorks(deadline(t), mint(t, "203.0.113.7"))
		require.NoError(t, err)
		assert.True(t, works)
	})
	t.Run("a key that is accepted later", func(t *testing.T) {
		venue.inject(t, exchanges.OpCreateKey, simulator.SlowStart, 1, s.variant.ActivationDelay)
		key := mint(t)
		works, err := prober.KeyWorks(deadline(t), key)
		require.NoError(t, err)
		assert.False(t, works)
		venue.advance(s.variant.ActivationDelay)
		works, err = prober.KeyWorks(deadline(t), key)
		require.NoError(t, err)
		assert.True(t, works)
		_, err = account.Inspect(deadline(t))
		require.NoError(t, err, "the root key is used again as before")
	})
	for _, fault := range append(answerless(), simulator.RateLimit) {
		t.Run(string(fault), func(t *testing.T) {
			key := mint(t)
			venue.inject(t, exchanges.OpUseKey, fault, 0, 0)
			works, err := prober.KeyWorks(exchanges.WithPatience(deadline(t), 0), key)
			assert.False(t, works)
			assertKind(t, err)
			assertSafe(t, err, key.APISecret)
			venue.ClearFaults()
		})
	}
	t.Run("an exchange that repeats the request", func(t *testing.T) {
		s.bubble(t, hurried, s.testEchoOfNewKey)
	})
}

// testEchoOfNewKey puts the new key's secret and signature into each text of each
// documented failure.
func (s *suite) testEchoOfNewKey(t *testing.T, b *bubble) {
	account := b.account(t)
	o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
	key := o.create(t.Context(), t, account)
	for _, failure := range s.failures(t) {
		answer := failure.canned(t)
		for _, place := range places(answer.body) {
			time.Sleep(time.Hour)
			var repeated []exchanges.Secret
			b.wire.instead(func(m message) *canned {
				text := key.APISecret.Reveal()
				repeated = append(repeated, key.APISecret)
				for _, signature := range signatures(m, key.APIKey) {
					text += " " + signature
					repeated = append(repeated, exchanges.Secret(signature))
				}
				return &canned{status: answer.status, header: answer.header, body: place(echoMark + " " + text)}
			})
			if _, err := account.(exchanges.Prober).KeyWorks(exchanges.WithPatience(t.Context(), 0), key); err != nil {
				assertSafe(t, err, repeated...)
			}
		}
	}
}
