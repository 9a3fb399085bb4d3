package mexc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/mexc"
)

// simulate starts a simulated MEXC in some weather, and returns the account of a
// root and a request for a key.
func simulate(t *testing.T, root, condition, value string) (exchangetest.Simulated, exchanges.Account, exchanges.KeyRequest) {
	sim := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	require.NoError(t, sim.SetWeather("mexc", condition, value))
	return sim, sim.OpenRoot(root, exchanges.Options{}),
		exchanges.KeyRequest{SubAccount: sim.Access(root).SubAccounts[0], Label: "vlt-1", Permissions: []string{"SPOT_ACCOUNT_READ"}}
}

// Where a root key that only reads is enough to make keys, it makes and deletes them.
func TestReadOnlyRootThatSuffices(t *testing.T) {
	sim, root, request := simulate(t, "reader", "root_right", "read_suffices")
	minted, err := root.CreateKey(sim.Context(), request)
	require.NoError(t, err)
	require.NoError(t, exchangetest.Settle(sim.Context(), root, exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID}))
	require.Empty(t, sim.Keys())
}

// A key of a frozen sub-account is deleted if MEXC lets that be, and is not taken for
// gone while it does not.
func TestKeyOfAFrozenSubAccount(t *testing.T) {
	for _, weather := range []string{"deletes", "refuses_deletion", "refuses_list"} {
		t.Run(weather, func(t *testing.T) {
			const frozen = "frozen_sub_account"
			sim, root, request := simulate(t, "main", frozen, "")
			minted, err := root.CreateKey(sim.Context(), request)
			require.NoError(t, err)
			require.NoError(t, sim.SetWeather("mexc", frozen, weather))
			subs, err := root.SubAccounts(sim.Context())
			require.NoError(t, err)
			require.True(t, subs[0].Frozen)
			_, err = root.ListKeys(sim.Context(), request.SubAccount)
			require.Equal(t, weather == "refuses_list", err != nil, "%v", err)
			ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID, Label: request.Label, Age: time.Hour}
			if weather != "deletes" {
				require.ErrorIs(t, exchangetest.Settle(sim.Context(), root, ref), exchanges.ErrPermission)
				require.Len(t, sim.Keys(), 1)
				require.NoError(t, sim.SetWeather("mexc", frozen, ""))
			}
			require.NoError(t, exchangetest.Settle(sim.Context(), root, ref))
			require.Empty(t, sim.Keys())
		})
	}
}

// What the plugin sends keeps to the letter of the documentation, which clients in
// daily use do not, so that it works where MEXC insists.
func TestByTheLetter(t *testing.T) {
	sim, root, request := simulate(t, "main", "by_letter", "on")
	minted, err := root.CreateKey(sim.Context(), request)
	require.NoError(t, err)
	listed, err := root.ListKeys(sim.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.NoError(t, exchangetest.Settle(sim.Context(), root, exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID}))
	require.Empty(t, sim.Keys())
}
