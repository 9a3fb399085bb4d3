package exchangetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// testDeletion checks that DeleteKey returns nil if, and only if, the key is
// gone.
func (s *suite) testDeletion(t *testing.T) {
	name := s.description.Name

	for _, test := range []struct {
		name string
		// prepare happens between the creation and the deletion of the key.
		prepare func(*testing.T, *venue, exchanges.Key)
		gone    bool
	}{
		{"key removed by someone else", func(t *testing.T, v *venue, key exchanges.Key) {
			require.True(t, v.RemoveKey(name, key.APIKey))
		}, true},
		{"lost answer", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.DropAfterCommit, 1, 0)
		}, true},
		{"every answer lost", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.DropAfterCommit, 0, 0)
		}, true},
		{"a passing failure", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.Error5xx, 1, 0)
		}, true},
		{"a passing firewall page", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.HTMLError, 1, 0)
		}, true},
		{"a lasting failure", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.Error5xx, 0, 0)
		}, false},
		{"an outage", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.AnyOperation, simulator.Outage, 0, 0)
		}, false},
		{"a lie", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.DeleteLies, 0, 0)
		}, false},
		{"a lie without proof", func(t *testing.T, v *venue, _ exchanges.Key) {
			v.inject(t, simulator.DeleteKey, simulator.DeleteLies, 0, 0)
			v.inject(t, simulator.ListKeys, simulator.Error5xx, 0, 0)
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				key := o.create(t.Context(), t, account)
				test.prepare(t, b.venue, key)

				err := account.DeleteKey(t.Context(), o.ref(key.ID))
				if test.gone {
					require.NoError(t, err)
					b.assertGone(t, o.SubAccount)
					return
				}
				require.Error(t, err)
				assertKind(t, err)
				assert.Len(t, b.live(o.SubAccount), 1)

				b.ClearFaults()
				require.NoError(t, account.DeleteKey(t.Context(), o.ref(key.ID)), "once the exchange is well again")
				b.assertGone(t, o.SubAccount)
			})
		})
	}
	t.Run("gone sub-account", func(t *testing.T) {
		if s.GoneSubAccount == "" {
			return // The documentation leaves open what the exchange answers.
		}
		venue := s.start(t)
		account := venue.account(t)
		o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
		ref := o.ref(o.create(deadline(t), t, account).ID)
		ref.SubAccount = s.GoneSubAccount
		assert.NoError(t, account.DeleteKey(deadline(t), ref))
	})
}

// assertKind checks that an error is of a kind and says what was being done.
func assertKind(t *testing.T, err error) {
	t.Helper()
	var failure *exchanges.Error
	if assert.ErrorAs(t, err, &failure) {
		assert.Contains(t, exchanges.Kinds(), failure.Kind)
		assert.NotEmpty(t, failure.Operation)
	}
}
