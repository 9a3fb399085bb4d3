package exchangetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/exchanges"
)

// testKeys follows keys of every grant and key type from creation to deletion.
func (s *suite) testKeys(t *testing.T) {
	t.Parallel()
	venue := s.start(t)
	account := venue.account(t)
	subAccount := venue.root(t).SubAccounts[0]

	for _, keyType := range s.variant.KeyTypes {
		for _, grant := range s.grants(t) {
			t.Run(fmt.Sprintf("%s %s", keyType, grant.Scopes), func(t *testing.T) {
				s.follow(t, venue, account, s.orderOf(t, keyType, subAccount, grant), grant)
			})
		}
	}
	t.Run("every scope has a probe", func(t *testing.T) {
		for _, scope := range s.variant.Offered() {
			assert.True(t, slices.ContainsFunc(s.Probes, func(p Probe) bool { return p.Scope == scope }), "%s", scope)
		}
	})
	t.Run("permissions by name", func(t *testing.T) { s.testNative(t, venue, account, subAccount) })
	t.Run("addresses", func(t *testing.T) { s.testAddresses(t, venue, account, subAccount) })
	t.Run("in parallel", func(t *testing.T) { s.testParallel(t, venue, account, subAccount) })
}

// follow creates, lists, uses and deletes a key.
func (s *suite) follow(t *testing.T, venue *venue, account exchanges.Account, o order, grant exchanges.Grant) {
	ctx := deadline(t)
	key := o.create(ctx, t, account)
	assert.NoError(t, s.variant.CheckGrant(grant, key.Permissions))
	if key.Addresses != nil {
		assert.Equal(t, o.Addresses, key.Addresses)
	}
	live := venue.live(o.SubAccount)
	require.Len(t, live, 1)
	assert.Equal(t, o.Label, live[0].Label)
	assert.ElementsMatch(t, o.Addresses, live[0].IPs)

	listed := o.find(ctx, t, venue, account, nil)
	require.Len(t, listed, 1)
	if !listed[0].Masked {
		assert.Equal(t, key.ID, listed[0].ID)
	}
	if listed[0].Permissions != nil {
		assert.NoError(t, s.variant.CheckGrant(grant, listed[0].Permissions))
	}
	assertAddresses(t, o.Addresses, listed[0].Addresses)
	if at := listed[0].CreatedAt; !at.IsZero() {
		assert.WithinDuration(t, venue.now(), at, time.Minute)
	}
	if s.variant.NativeExpiry != nil && !listed[0].ExpiresAt.IsZero() {
		assert.False(t, listed[0].ExpiresAt.Before(o.Expires), "the exchange expires the key before the lease ends")
	}

	user := venue.open(t, o.minted(key), venue.options(t))
	for _, probe := range s.Probes {
		assert.Equal(t, grant.Scopes.Has(probe.Scope), venue.accepts(t, user, probe), "%s", probe.Name)
	}

	require.NoError(t, o.delete(ctx, account, key))
	if s.variant.NoDeletion == "" {
		assert.Equal(t, []string{key.APIKey}, lastOf(venue.Deletions(s.description.Name)))
	}
	assert.Empty(t, o.find(ctx, t, venue, account, nil))
	venue.advance(s.variant.RevocationDelay)
	for _, probe := range s.Probes {
		assert.False(t, venue.accepts(t, user, probe), "%s with a deleted key", probe.Name)
	}
	assert.NoError(t, o.delete(ctx, account, key), "deleting a key that is gone")
	venue.assertGone(t, o.SubAccount)
}

// testNative makes a key with each permission that a role must name, together with
// the permissions that it needs and of whichever key type it goes with.
func (s *suite) testNative(t *testing.T, venue *venue, account exchanges.Account, subAccount string) {
	for _, p := range s.variant.Permissions {
		if len(s.variant.OnlyByName([]string{p.Name})) == 0 {
			continue
		}
		grant, err := s.variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), append(slices.Clone(p.Needs), p.Name))
		require.NoError(t, err)
		assert.True(t, !p.Beyond || grant.Risk == exchanges.RiskCritical, p.Name)
		var refusals []error
		for _, keyType := range s.variant.KeyTypes {
			o := s.orderOf(t, keyType, subAccount, grant)
			key, err := account.CreateKey(deadline(t), o.KeyRequest)
			if errors.Is(err, exchanges.ErrPermission) {
				continue // The exchange does not let a root key give what it does not have.
			}
			if err != nil {
				refusals = append(refusals, err)
				continue
			}
			assert.NoError(t, s.variant.CheckGrant(grant, key.Permissions), p.Name)
			require.NoError(t, o.delete(deadline(t), account, key))
			venue.assertGone(t, subAccount)
		}
		assert.Less(t, len(refusals), len(s.variant.KeyTypes), "%s cannot be had: %v", p.Name, refusals)
	}
}

// testAddresses binds keys to addresses and checks from where they then work.
func (s *suite) testAddresses(t *testing.T, venue *venue, account exchanges.Account, subAccount string) {
	probe := s.Probes[slices.IndexFunc(s.Probes, func(p Probe) bool { return p.Scope == exchanges.ScopeRead })]
	rule := s.variant.Addresses
	for _, test := range []struct {
		name       string
		documented bool
		addresses  []string
		works      bool
	}{
		{"any", true, nil, true},
		{"ours", !rule.None, []string{"127.0.0.1"}, true},
		{"another", !rule.None, []string{"203.0.113.7"}, false},
		{"ours among others", !rule.None && rule.Max != 1, []string{"203.0.113.7", "127.0.0.1"}, true},
		{"our block", rule.CIDR, []string{"127.0.0.0/8"}, true},
		{"another block", rule.CIDR, []string{"203.0.113.0/24"}, false},
		{"an IPv6 address", rule.IPv6, []string{"2001:db8::7"}, false},
	} {
		if !test.documented {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			o := s.order(t, subAccount, s.readGrant(t))
			o.Addresses = test.addresses
			key := o.create(deadline(t), t, account)
			assert.Equal(t, test.works, venue.accepts(t, venue.open(t, o.minted(key), venue.options(t)), probe))
			for _, listed := range o.find(deadline(t), t, venue, account, nil) {
				assertAddresses(t, test.addresses, listed.Addresses)
			}
			require.NoError(t, o.delete(deadline(t), account, key))
			venue.assertGone(t, subAccount)
		})
	}
}

// assertAddresses checks what a list shows of a key's addresses: nothing, or each of
// them, parts of which may be hidden.
func assertAddresses(t *testing.T, bound, listed []string) {
	if !slices.ContainsFunc(listed, exchanges.IsMasked) {
		if listed != nil {
			assert.ElementsMatch(t, bound, listed)
		}
		return
	}
	if assert.Len(t, listed, len(bound)) {
		for i, address := range listed {
			assert.True(t, exchanges.KeyInfo{ID: address}.MayBe(bound[i]), "%s is listed in place of %s", address, bound[i])
		}
	}
}

// testParallel makes keys concurrently and deletes them concurrently.
func (s *suite) testParallel(t *testing.T, venue *venue, account exchanges.Account, subAccount string) {
	orders := make([]order, s.room(8))
	keys := make([]exchanges.Key, len(orders))
	var group errgroup.Group
	for i := range orders {
		orders[i] = s.order(t, subAccount, s.readGrant(t))
		group.Go(func() (err error) {
			keys[i], err = account.CreateKey(t.Context(), orders[i].KeyRequest)
			return err
		})
	}
	require.NoError(t, group.Wait())
	require.Len(t, venue.live(subAccount), len(orders))
	for i, o := range orders {
		group.Go(func() error { return o.delete(t.Context(), account, keys[i]) })
	}
	require.NoError(t, group.Wait())
	venue.assertGone(t, subAccount)
}

func lastOf(names []string) []string { return names[max(0, len(names)-1):] }
