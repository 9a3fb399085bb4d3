package exchangetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

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
