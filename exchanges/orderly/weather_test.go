package orderly_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/orderly"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// desk is a sub-account in some weather, with the wallet that owns it.
type desk struct {
	exchanges.Account
	t          *testing.T
	sim        *simulator.Simulator
	subAccount string
}

// inWeather runs a test in each weather of a condition, and in calm weather.
func inWeather(t *testing.T, condition string, values []string, test func(d desk, value string)) {
	for _, value := range append([]string{""}, values...) {
		t.Run(condition+"="+value, func(t *testing.T) {
			exchangetest.Bubble(t, subject(), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
				require.NoError(t, sim.SetWeather("orderly", condition, value))
				root, _ := sim.Root("orderly", "main")
				opened, err := orderly.New().Open(exchanges.Credential{PrivateKey: exchanges.Secret(root.PrivateKey), Broker: root.Broker}, options)
				require.NoError(t, err)
				t.Cleanup(opened.Close)
				test(desk{opened, t, sim, root.SubAccounts[0]}, value)
			})
		})
	}
}

func (d desk) create(lives time.Duration) (exchanges.Key, error) {
	public, _, err := orderly.New().NewKeyPair(exchanges.KeyEd25519)
	require.NoError(d.t, err)
	return d.CreateKey(d.t.Context(), exchanges.KeyRequest{
		SubAccount: d.subAccount, Label: "vlt-1", Permissions: []string{"read"}, KeyType: exchanges.KeyEd25519, PublicKey: public,
		Expires: time.Now().Add(lives),
	})
}

func (d desk) delete(key exchanges.Key) error {
	ref := exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Label: "vlt-1", Age: time.Hour}
	return exchanges.SettleOne(d.t.Context(), d.Account, orderly.New().Describe().Variants[0], ref)
}

// A life that Orderly does not accept leaves no key.
func TestShortestLife(t *testing.T) {
	inWeather(t, "shortest_life", []string{"24h"}, func(d desk, value string) {
		_, err := d.create(25 * time.Hour)
		require.NoError(d.t, err)
		_, err = d.create(time.Hour)
		if value == "" {
			require.NoError(d.t, err)
			return
		}
		require.ErrorIs(d.t, err, exchanges.ErrInvalid)
		require.Len(d.t, d.sim.Keys(), 1)
	})
}

// An account that has as many keys as Orderly allows gets no more.
func TestFullAccount(t *testing.T) {
	inWeather(t, "full_account", []string{"3_keys"}, func(d desk, value string) {
		for range 3 {
			_, err := d.create(time.Hour)
			require.NoError(d.t, err)
		}
		_, err := d.create(time.Hour)
		if value == "" {
			require.NoError(d.t, err)
			return
		}
		require.ErrorIs(d.t, err, exchanges.ErrInvalid)
		require.Len(d.t, d.sim.Keys(), 3)
	})
}

// The plugin's own key is registered once more if the answer to that is lost. Whatever
// Orderly then says, the key is there.
func TestRegisteredTwice(t *testing.T) {
	inWeather(t, "registered_twice", []string{"minus_1005"}, func(d desk, _ string) {
		_, err := d.Inspect(d.t.Context()) // This measures the clock, too.
		require.NoError(d.t, err)
		require.NoError(d.t, d.sim.Inject(simulator.Fault{
			Exchange: "orderly", Operation: exchanges.OpAny, Kind: simulator.DropAfterCommit, Count: 1,
		}))
		_, err = d.SubAccounts(d.t.Context())
		require.NoError(d.t, err)
		require.Equal(d.t, 2, d.sim.Calls("orderly", "other"))
	})
}

// A wrong clock is set right if Orderly says that it is the clock. If not, nothing is
// taken for gone, and everything works again when the clock is right.
func TestWrongClock(t *testing.T) {
	inWeather(t, "wrong_clock", []string{"minus_1005", "minus_1002"}, func(d desk, value string) {
		key, err := d.create(time.Hour)
		require.NoError(d.t, err)
		_, err = d.SubAccounts(d.t.Context())
		require.NoError(d.t, err)
		require.NoError(d.t, d.sim.Inject(simulator.Fault{
			Exchange: "orderly", Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: 10 * time.Minute,
		}))
		err = d.delete(key)
		if value != "" {
			require.Error(d.t, err)
			require.Len(d.t, d.sim.Keys(), 1)
			d.sim.ClearFaults()
			err = d.delete(key)
		}
		require.NoError(d.t, err)
		require.Empty(d.t, d.sim.Keys())
	})
}

// A list that does not show a new key proves nothing while Orderly knows the key, and
// where Orderly is not asked for each key, nothing for half a minute.
func TestListThatLags(t *testing.T) {
	variant := orderly.New().Describe().Variants[0]
	inWeather(t, "appears_late", []string{"20s"}, func(d desk, value string) {
		unseen := func() exchanges.KeyRef {
			key, err := d.create(time.Hour)
			require.NoError(d.t, err)
			return exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Unseen: true, Age: 10 * time.Second}
		}
		one := unseen()
		one.Age = time.Hour // It is younger, but this must not decide.
		require.NoError(d.t, exchanges.SettleOne(d.t.Context(), d.Account, variant, one))
		require.Empty(d.t, d.sim.Keys())

		for _, err := range exchanges.Settle(d.t.Context(), d.Account, variant, unseen(), unseen()) {
			if value == "" {
				require.NoError(d.t, err)
			} else {
				require.ErrorIs(d.t, err, exchanges.ErrUnseen)
			}
		}
	})
}

// A removed key that Orderly still knows is gone if it is listed as removed.
func TestRemovedKeyThatIsKnown(t *testing.T) {
	inWeather(t, "status_filter", []string{"on"}, func(d desk, _ string) {
		key, err := d.create(time.Hour)
		require.NoError(d.t, err)
		require.NoError(d.t, d.DeleteKey(d.t.Context(), exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID}))
		deletions := d.sim.Calls("orderly", exchanges.OpDeleteKey)
		ref := exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Unseen: true, Age: time.Hour}
		require.NoError(d.t, exchanges.SettleOne(d.t.Context(), d.Account, orderly.New().Describe().Variants[0], ref))
		require.Equal(d.t, deletions, d.sim.Calls("orderly", exchanges.OpDeleteKey))
	})
}
