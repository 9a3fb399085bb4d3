package exchangetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// testRotation replaces the root credential, where the exchange can.
func (s *suite) testRotation(t *testing.T) {
	s.bubble(t, hurried, func(t *testing.T, b *bubble) {
		if !s.description.RootRotation {
			return
		}
		account := b.account(t)
		old := credentialOf(b.root(t).Credential)
		rotator, label := account.(exchanges.RootRotator), s.label()
		found, err := rotator.FindRoots(t.Context(), label)
		require.NoError(t, err)
		assert.Empty(t, found)
		fresh, err := rotator.RotateRoot(t.Context(), label)
		require.NoError(t, err)
		found, err = rotator.FindRoots(t.Context(), label)
		require.NoError(t, err)
		assert.Equal(t, []string{fresh.APIKey}, found)
		assert.NotEqual(t, old.APIKey, fresh.APIKey)
		_, err = account.Inspect(t.Context())
		require.NoError(t, err, "the old credential must work until it is deleted")

		successor := b.open(t, fresh, b.options)
		identity, err := successor.Inspect(t.Context())
		require.NoError(t, err)
		assert.True(t, identity.CanMint, identity.Problem)
		o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
		key := o.create(t.Context(), t, successor)
		require.NoError(t, o.delete(t.Context(), successor, key))

		require.NoError(t, successor.(exchanges.RootRotator).DeleteRoot(t.Context(), old.APIKey))
		_, err = b.open(t, old, b.options).Inspect(t.Context())
		assert.ErrorIs(t, err, exchanges.ErrAuth, "the old credential must be gone")
		_, err = successor.Inspect(t.Context())
		assert.NoError(t, err)
	})
}
