package whitebit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/whitebit"
)

// A key of a blocked sub-account is not taken for gone while WhiteBIT refuses to
// delete it, and is deleted as soon as WhiteBIT takes the call.
func TestKeyOfABlockedSubAccount(t *testing.T) {
	for _, weather := range []string{"", "refuses_deletion", "refuses_list"} {
		t.Run(weather, func(t *testing.T) {
			sim := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
			require.NoError(t, sim.SetWeather("whitebit", "blocked_sub_account", weather))
			root, open := sim.OpenRoot("main", exchanges.Options{}).(*account), request()
			open.SubAccount, open.Addresses = sim.Access("main").SubAccounts[0], nil
			minted, err := root.CreateKey(sim.Context(), open)
			require.NoError(t, err)
			ref := exchanges.KeyRef{SubAccount: open.SubAccount, ID: minted.ID, Label: open.Label, Age: time.Hour}
			turn := func(path string) {
				call := rest.Call{Operation: "block_sub_account", Path: prefix + "sub-account/" + path}
				require.NoError(t, root.post(sim.Context(), call, map[string]string{"id": open.SubAccount}, nil))
			}
			turn("block")
			if weather != "" {
				require.ErrorIs(t, root.DeleteKey(sim.Context(), ref), exchanges.ErrPermission)
				_, err = root.ListKeys(sim.Context(), open.SubAccount)
				require.Equal(t, weather == "refuses_list", err != nil, "%v", err)
				require.ErrorIs(t, exchangetest.Settle(sim.Context(), root, ref), exchanges.ErrPermission)
				require.Len(t, sim.Keys(), 1)
				turn("unblock")
			}
			require.NoError(t, exchangetest.Settle(sim.Context(), root, ref))
			require.Empty(t, sim.Keys())
		})
	}
}

// A mint waits for the list to show the new key only as long as its caller has
// patience.
func TestPatienceWithTheList(t *testing.T) {
	exchangetest.Bubble(t, subject(), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
		require.NoError(t, sim.SetWeather("whitebit", "appears_late", "20s"))
		access, _ := sim.Root("whitebit", "main")
		root, err := New().Open(exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}, options)
		require.NoError(t, err)
		defer root.Close()
		open := request()
		open.SubAccount, open.Addresses = access.SubAccounts[0], nil

		began := time.Now()
		_, err = root.CreateKey(exchanges.WithPatience(t.Context(), 7*time.Second), open)
		require.ErrorContains(t, err, "does not list the new key")
		require.Empty(t, sim.Keys())
		require.Less(t, time.Since(began), 15*time.Second)

		began = time.Now()
		_, err = root.CreateKey(exchanges.WithPatience(t.Context(), time.Minute), open)
		require.NoError(t, err)
		require.InDelta(t, 20, time.Since(began).Seconds(), 5)
	})
}
