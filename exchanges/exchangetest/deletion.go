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
	const deletion, once = exchanges.OpDeleteKey, 1
	for _, test := range []struct {
		name   string
		faults []simulator.Fault // from the creation of the key on
		gone   bool
	}{
		{"a lost answer", []simulator.Fault{{Operation: deletion, Kind: simulator.DropAfterCommit, Count: once}}, true},
		{"every answer lost", []simulator.Fault{{Operation: deletion, Kind: simulator.DropAfterCommit}}, true},
		{"a passing failure", []simulator.Fault{{Operation: deletion, Kind: simulator.Error5xx, Count: once}}, true},
		{"a passing firewall page", []simulator.Fault{{Operation: deletion, Kind: simulator.HTMLError, Count: once}}, true},
		{"a lasting failure", []simulator.Fault{{Operation: deletion, Kind: simulator.Error5xx}}, false},
		{"an outage", []simulator.Fault{{Operation: exchanges.OpAny, Kind: simulator.Outage}}, false},
		{"a lie", []simulator.Fault{{Operation: deletion, Kind: simulator.DeleteLies}}, false},
		{"a lie without proof", []simulator.Fault{
			{Operation: deletion, Kind: simulator.DeleteLies}, {Operation: s.proof(), Kind: simulator.Error5xx},
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				key := o.create(t.Context(), t, account)
				for _, fault := range test.faults {
					b.inject(t, fault.Operation, fault.Kind, fault.Count, 0)
				}

				err := account.DeleteKey(t.Context(), o.ref(key))
				if test.gone {
					require.NoError(t, err)
					b.assertGone(t, o.SubAccount)
					return
				}
				require.Error(t, err)
				assertKind(t, err)
				assert.Len(t, b.live(o.SubAccount), 1)

				b.ClearFaults()
				require.NoError(t, account.DeleteKey(t.Context(), o.ref(key)), "once the exchange is well again")
				b.assertGone(t, o.SubAccount)
			})
		})
	}
	t.Run("key removed by someone else", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account := b.account(t)
			o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			key := o.create(t.Context(), t, account)
			require.True(t, b.RemoveKey(s.description.Name, key.APIKey))
			require.NoError(t, account.DeleteKey(t.Context(), o.ref(key)))
			b.assertGone(t, o.SubAccount)
		})
	})
	t.Run("gone sub-account", func(t *testing.T) {
		if s.GoneSubAccount == "" {
			return // The documentation leaves open what the exchange answers.
		}
		venue := s.start(t)
		account := venue.account(t)
		o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
		ref := o.ref(o.create(deadline(t), t, account))
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
