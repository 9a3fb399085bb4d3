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
