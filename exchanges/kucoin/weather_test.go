package kucoin

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/kucoin"
)

// simulate starts a simulated KuCoin. The account is its main root's, and the request
// is for a key that may trade spot.
func simulate(t *testing.T) (exchangetest.Simulated, exchanges.Account, exchanges.KeyRequest) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	return s, s.OpenRoot("main", exchanges.Options{}), exchanges.KeyRequest{
		SubAccount: s.Access("main").SubAccounts[0], Label: "vlt1", Permissions: []string{general, "Spot"}, Passphrase: "KeyPass0001",
	}
}

// A key of a frozen sub-account is gone once KuCoin lets it be deleted, and not before.
func TestFrozenSubAccount(t *testing.T) {
	s, account, request := simulate(t)
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID, Passphrase: request.Passphrase}
	s.Set("frozen_sub_account", "keeps_keys")
	require.ErrorIs(t, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrPermission)
	require.Len(t, s.Keys(), 1)
	s.Set("frozen_sub_account", "")
	require.NoError(t, exchangetest.Settle(s.Context(), account, ref))
	require.Empty(t, s.Keys())
}

// However KuCoin refuses one key too many, its words reach the user, and no key is
// made.
func TestFullSubAccount(t *testing.T) {
	s, account, request := simulate(t)
	s.Set("full_sub_account", "2_keys")
	for i := range 3 {
		request.Label = fmt.Sprintf("vlt%d", i)
		_, err := account.CreateKey(s.Context(), request)
		if i < 2 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "has reached the limit")
	}
	require.Len(t, s.Keys(), 2)
}

// Where the calls for sub-accounts' keys are not served, no key is made, and one that
// is there is not taken for gone.
func TestSiteWithoutSubAccountAPI(t *testing.T) {
	s, account, request := simulate(t)
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	s.Set("sub_account_api", "not_served")
	request.Label = "vlt2"
	_, err = account.CreateKey(s.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "check base_url")
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID, Passphrase: request.Passphrase}
	require.ErrorIs(t, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrInvalid)
	require.Len(t, s.Keys(), 1)
}

// Unified that nobody asked for is seen, and is more than was granted.
func TestUnifiedThatWasNotAskedFor(t *testing.T) {
	s, account, request := simulate(t)
	s.Set("adds_unified", "on")
	variant := New().Describe().Variants[0]
	grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot), nil)
	require.NoError(t, err)
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	require.ErrorContains(t, variant.CheckGrant(grant, key.Permissions), "native_permissions=Unified")
}

// What the plugin sends keeps to the letter of the documentation, which clients in
// daily use do not, so that it works where KuCoin insists.
func TestByTheLetter(t *testing.T) {
	sim, root, request := simulate(t)
	sim.Set("by_letter", "on")
	minted, err := root.CreateKey(sim.Context(), request)
	require.NoError(t, err)
	listed, err := root.ListKeys(sim.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.NoError(t, exchangetest.Settle(sim.Context(), root, exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID, Passphrase: request.Passphrase}))
	require.Empty(t, sim.Keys())
}
