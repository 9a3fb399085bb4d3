package coinex

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/coinex"
)

// simulate starts a simulated CoinEx in some weather, and returns its main account
// and a request for a key.
func simulate(t *testing.T, condition, value string) (exchangetest.Simulated, *account, exchanges.KeyRequest) {
	sim := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	require.NoError(t, sim.SetWeather("coinex", condition, value))
	root := sim.OpenRoot("main", exchanges.Options{}).(*account)
	return sim, root, exchanges.KeyRequest{SubAccount: sim.Access("main").SubAccounts[0], Label: "vlt-1", Permissions: []string{permRead}}
}

// A key that may not ask whose it is has been seen to work if CoinEx says why.
func TestKeyThatMayNotAskWhoseItIs(t *testing.T) {
	for weather, works := range map[string]bool{"": true, "forbidden_user": true, "no_right": true, "undocumented": false} {
		t.Run(weather, func(t *testing.T) {
			sim, root, request := simulate(t, "own_name", weather)
			minted, err := root.CreateKey(sim.Context(), request)
			require.NoError(t, err)
			ready, err := root.KeyWorks(sim.Context(), minted)
			require.Equal(t, works, ready)
			require.Equal(t, works, err == nil, "an answer that shows nothing is an error: %v", err)
		})
	}
}

// Whatever the code, a sub-account that lists as many keys as it may have is full.
func TestFullSubAccount(t *testing.T) {
	for weather, code := range map[string]string{"": "3903", "bad_parameter": "3639"} {
		t.Run(weather, func(t *testing.T) {
			sim, root, request := simulate(t, "full_sub_account", weather)
			for n := range keysPerSubAccount {
				request.Label = fmt.Sprintf("vlt-%d", n)
				_, err := root.CreateKey(sim.Context(), request)
				require.NoError(t, err)
			}
			request.Label = "vlt-one-too-many"
			_, err := root.CreateKey(sim.Context(), request)
			require.ErrorIs(t, err, exchanges.ErrKeyCap)
			var refused *exchanges.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, code, refused.Code)
		})
	}
}

// A key of a frozen sub-account is not taken for gone while CoinEx refuses to delete
// it, and is deleted as soon as CoinEx takes the call.
func TestKeyOfAFrozenSubAccount(t *testing.T) {
	for _, weather := range []string{"", "refuses_deletion", "refuses_list"} {
		t.Run(weather, func(t *testing.T) {
			sim, root, request := simulate(t, "frozen_sub_account", weather)
			minted, err := root.CreateKey(sim.Context(), request)
			require.NoError(t, err)
			ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID, Label: request.Label, Age: time.Hour}
			turn := func(path string) {
				call := rest.Call{Operation: "freeze_sub_account", Method: "POST", Path: pathSubAccounts + "/" + path}
				require.NoError(t, root.DoJSON(sim.Context(), call, map[string]string{"sub_user_name": request.SubAccount}, nil))
			}
			turn("frozen")
			if weather != "" {
				require.Error(t, root.DeleteKey(sim.Context(), ref))
				_, err = root.ListKeys(sim.Context(), request.SubAccount)
				require.Equal(t, weather == "refuses_list", err != nil, "%v", err)
				require.Error(t, exchangetest.Settle(sim.Context(), root, ref))
				require.Len(t, sim.Keys(), 1)
				turn("unfrozen")
			}
			require.NoError(t, exchangetest.Settle(sim.Context(), root, ref))
			require.Empty(t, sim.Keys())
		})
	}
}

// What the plugin sends keeps to the letter of the documentation, which clients in
// daily use do not, so that it works where CoinEx insists.
func TestByTheLetter(t *testing.T) {
	sim, root, request := simulate(t, "by_letter", "on")
	minted, err := root.CreateKey(sim.Context(), request)
	require.NoError(t, err)
	listed, err := root.ListKeys(sim.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.NoError(t, exchangetest.Settle(sim.Context(), root, exchanges.KeyRef{SubAccount: request.SubAccount, ID: minted.ID}))
	require.Empty(t, sim.Keys())
}
