package exchangetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// manySubAccounts is more than any exchange puts on one page.
const manySubAccounts = 1030

func (s *suite) testInspect(t *testing.T) {
	t.Parallel()
	venue := s.start(t)

	t.Run("every root that can mint", func(t *testing.T) {
		kinds := map[string]simulator.Access{simulator.MainRoot: venue.root(t)}
		for _, kind := range []string{"rsa", "ed25519"} {
			if access, ok := venue.otherRoot(kind); ok {
				kinds[kind] = access
			}
		}
		for kind, access := range kinds {
			account := venue.open(t, credentialOf(access.Credential), venue.options(t))
			identity, err := account.Inspect(deadline(t))
			require.NoError(t, err, kind)
			assert.True(t, identity.CanMint, kind)
			assert.Empty(t, identity.Problem, kind)
			assert.NotEmpty(t, identity.Permissions, kind)
			assert.Less(t, identity.ClockOffset.Abs().Seconds(), 5.0, kind)
			s.order(t, access.SubAccounts[0], s.readGrant(t)).create(deadline(t), t, account)
		}
	})
	t.Run("every form of credential is tried", func(t *testing.T) {
		if s.Root != "" && s.Root != simulator.MainRoot {
			return // A property of the exchange, checked with its first variant.
		}
		for _, keyType := range []string{"rsa", "ed25519"} {
			_, simulated := venue.otherRoot(keyType)
			described := false
			for _, form := range s.description.Credentials {
				described = described || form.Name == keyType
			}
			assert.Equal(t, described, simulated, "root credentials of type %s", keyType)
		}
	})
	t.Run("a root that cannot mint", func(t *testing.T) {
		tried := 0
		for _, kind := range []string{"read_only", "no_right"} {
			access, ok := venue.otherRoot(kind)
			if !ok {
				continue
			}
			tried++
			account := venue.open(t, credentialOf(access.Credential), venue.options(t))
			identity, err := account.Inspect(deadline(t))
			if err != nil {
				assert.ErrorIs(t, err, exchanges.ErrPermission, kind)
			} else {
				assert.False(t, identity.CanMint, kind)
				assert.NotEmpty(t, identity.Problem, kind)
			}
			_, err = account.CreateKey(deadline(t), s.order(t, access.SubAccounts[0], s.readGrant(t)).KeyRequest)
			assert.ErrorIs(t, err, exchanges.ErrPermission, kind)
		}
		assert.Positive(t, tried, "the simulator has no root without the right to mint")
	})
	t.Run("a root bound to no address", func(t *testing.T) {
		access, ok := venue.otherRoot("unbound")
		if !ok {
			return
		}
		identity, err := venue.open(t, credentialOf(access.Credential), venue.options(t)).Inspect(deadline(t))
		require.NoError(t, err)
		assert.Empty(t, identity.Addresses)
		if identity.CanMint {
			assert.NotEmpty(t, identity.Warnings, "an unbound root deserves a warning")
		} else {
			assert.NotEmpty(t, identity.Problem)
		}
	})
	t.Run("wrong credential", func(t *testing.T) {
		good := credentialOf(venue.root(t).Credential)
		unknown := good
		unknown.APIKey = scramble(good.APIKey)
		wrong := map[string]exchanges.Credential{"api_key": unknown}
		if good.APISecret != "" {
			c := good
			c.APISecret = exchanges.Secret(scramble(good.APISecret.Reveal()))
			wrong["api_secret"] = c
		}
		if good.Passphrase != "" {
			c := good
			c.Passphrase = exchanges.Secret(scramble(good.Passphrase.Reveal()))
			wrong["passphrase"] = c
		}
		for part, c := range wrong {
			account, err := s.Exchange.Open(c, venue.options(t))
			if err != nil {
				// The parts contradict each other.
				assert.ErrorIs(t, err, exchanges.ErrInvalid, part)
			} else {
				_, err = account.Inspect(deadline(t))
				account.Close()
				assert.ErrorIs(t, err, exchanges.ErrAuth, part)
			}
			assertSafe(t, err, c.Secrets()...)
		}
	})
}

// scramble returns a different text of the same length and alphabet.
func scramble(text string) string {
	half := len(text) / 2
	swapped := text[half:] + text[:half]
	if swapped == text {
		panic("a text of two equal halves cannot be scrambled")
	}
	return swapped
}

func (s *suite) testSubAccounts(t *testing.T) {
	t.Parallel()
	venue := s.startWith(t, simulator.Options{RateMultiplier: hurried, SubAccounts: manySubAccounts})
	found, err := venue.account(t).SubAccounts(deadline(t))
	require.NoError(t, err)
	var names []string
	for _, sub := range found {
		names = append(names, sub.Name)
		assert.False(t, sub.Frozen, sub.Name)
	}
	assert.ElementsMatch(t, venue.root(t).SubAccounts, names, "no sub-account may be missing or appear twice")
}

// testKeyPages fills one sub-account with as many keys as it may have, or with more
// than any exchange lists on one page.
func (s *suite) testKeyPages(t *testing.T) {
	t.Parallel()
	if s.variant.Unlisted != "" {
		return // There is no list; see venue.list.
	}
	const many = 110
	count := s.room(many)
	venue := s.start(t)
	account := venue.account(t)
	subAccounts := venue.root(t).SubAccounts
	ids, labels := map[string]bool{}, map[string]bool{}
	for range count {
		o := s.order(t, subAccounts[0], s.readGrant(t))
		ids[o.create(deadline(t), t, account).ID] = true
		labels[o.Label] = true
	}
	if len(subAccounts) > 1 {
		elsewhere := s.order(t, subAccounts[1], s.readGrant(t))
		elsewhere.create(deadline(t), t, account)
	}

	keys, err := account.ListKeys(deadline(t), subAccounts[0])
	require.NoError(t, err)
	assert.Len(t, keys, count)
	for _, key := range keys {
		assert.True(t, labels[key.Label], "the label %q was not requested, or is listed twice", key.Label)
		if s.variant.Label.MaxLength > 0 {
			delete(labels, key.Label)
		}
		if !key.Masked {
			assert.True(t, ids[key.ID], "the id of %q is not one that was created, or is listed twice", key.Label)
			delete(ids, key.ID)
		}
	}

	if count == many {
		return
	}
	_, err = account.CreateKey(deadline(t), s.order(t, subAccounts[0], s.readGrant(t)).KeyRequest)
	assert.ErrorIs(t, err, exchanges.ErrKeyCap)
}
