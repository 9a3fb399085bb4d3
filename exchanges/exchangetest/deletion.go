package exchangetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// testDeletion checks that a deletion is settled without error if and only if the
// key is gone.
func (s *suite) testDeletion(t *testing.T) {
	const deletion, once = exchanges.OpDeleteKey, 1
	for _, test := range []struct {
		name   string
		faults []simulator.Fault // from the creation of the key on
		gone   bool
	}{
		{"a lost answer", []simulator.Fault{{Operation: deletion, Kind: simulator.DropAfterCommit, Count: once}}, true},
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

				err := o.delete(t.Context(), account, key)
				if test.gone {
					require.NoError(t, err)
					b.assertGone(t, o.SubAccount)
					return
				}
				require.Error(t, err)
				assertKind(t, err)
				assert.Len(t, b.live(o.SubAccount), 1)

				b.ClearFaults()
				require.NoError(t, o.delete(t.Context(), account, key), "once the exchange has recovered")
				b.assertGone(t, o.SubAccount)
			})
		})
	}
	t.Run("every answer lost", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account := b.account(t)
			o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			ref := o.ref(o.create(t.Context(), t, account))
			b.inject(t, deletion, simulator.DropAfterCommit, 0, 0)
			require.ErrorIs(t, exchanges.SettleOne(t.Context(), account, s.variant, ref), exchanges.ErrUnseen)
			b.assertGone(t, o.SubAccount)

			time.Sleep(s.variant.Staleness())
			ref.Unseen = true
			require.NoError(t, exchanges.SettleOne(t.Context(), account, s.variant, ref), "absence has become proof")
		})
	})
	t.Run("key removed by someone else", func(t *testing.T) {
		s.bubble(t, hurried, func(t *testing.T, b *bubble) {
			account := b.account(t)
			o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			key := o.create(t.Context(), t, account)
			require.True(t, b.RemoveKey(s.description.Name, key.APIKey))
			require.NoError(t, o.delete(t.Context(), account, key))
			b.assertGone(t, o.SubAccount)
		})
	})
	t.Run("gone sub-account", func(t *testing.T) {
		if s.GoneSubAccount == "" {
			return // The documentation does not say what the exchange answers.
		}
		venue := s.start(t)
		account := venue.account(t)
		o := s.order(t, venue.root(t).SubAccounts[0], s.readGrant(t))
		ref := o.ref(o.create(deadline(t), t, account))
		ref.SubAccount = s.GoneSubAccount
		assert.NoError(t, exchanges.SettleOne(deadline(t), account, s.variant, ref))
	})
}

// testDeletionAnswers checks that DeleteKey only reports the exchange's answer and
// does not decide what it means.
func (s *suite) testDeletionAnswers(t *testing.T) {
	for _, test := range []struct {
		name      string
		fault     simulator.FaultKind // of the deletion; empty for none
		confirmed bool
		live      int
	}{
		{"a deletion", "", true, 0},
		{"a lie", simulator.DeleteLies, true, 1},
		{"a failure", simulator.Error5xx, false, 1},
		{"a refusal for exceeding the rate", simulator.RateLimit, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.bubble(t, hurried, func(t *testing.T, b *bubble) {
				account := b.account(t)
				o := s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
				key := o.create(t.Context(), t, account)
				if test.fault != "" {
					b.inject(t, exchanges.OpDeleteKey, test.fault, 0, 0)
				}
				err := account.DeleteKey(t.Context(), o.ref(key))
				if test.live == 0 {
					b.assertGone(t, o.SubAccount)
				} else {
					assert.Len(t, b.live(o.SubAccount), test.live)
				}
				if test.confirmed {
					require.NoError(t, err)
					return
				}
				require.Error(t, err)
				assertKind(t, err)
			})
		})
	}
}

// testDeletionOfSeveral checks that keys of one sub-account are settled one by one,
// but all with one list.
func (s *suite) testDeletionOfSeveral(t *testing.T) {
	s.bubble(t, hurried, func(t *testing.T, b *bubble) {
		account := b.account(t)
		orders := make([]order, s.room(3))
		refs := make([]exchanges.KeyRef, len(orders))
		for i := range orders {
			orders[i] = s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))
			refs[i] = orders[i].ref(orders[i].create(t.Context(), t, account))
		}
		b.inject(t, exchanges.OpDeleteKey, simulator.DeleteLies, 1, 0)
		errs := exchanges.Settle(t.Context(), account, s.variant, refs...)
		require.Len(t, errs, len(refs))
		require.ErrorIs(t, errs[0], exchanges.ErrUnavailable, "the exchange lied about the first")
		for _, err := range errs[1:] {
			require.NoError(t, err)
		}
		require.NoError(t, exchanges.SettleOne(t.Context(), account, s.variant, refs[0]))
		b.assertGone(t, orders[0].SubAccount)

		// A list that the deletion itself reads, for instance to learn the key's
		// name, is no proof.
		before := b.calls(exchanges.OpListKeys)
		for _, ref := range refs {
			_ = account.DeleteKey(t.Context(), ref)
		}
		itself := b.calls(exchanges.OpListKeys) - before
		before = b.calls(exchanges.OpListKeys)
		for _, err := range exchanges.Settle(t.Context(), account, s.variant, refs...) {
			require.NoError(t, err, "deleting keys that are gone")
		}
		lists := b.calls(exchanges.OpListKeys) - before - itself
		if s.variant.Unlisted != "" {
			assert.Zero(t, lists)
			return
		}
		assert.Equal(t, 1, lists, "one list proves that all are gone")
	})
}
