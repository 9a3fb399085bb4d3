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
	exchangetest.Simulated
	exchanges.Account
	subAccount string
}

// inWeather runs a test in each weather of a condition, and in calm weather.
func inWeather(t *testing.T, condition string, values []string, test func(d desk, value string)) {
	exchangetest.InWeather(t, subject(), condition, values, func(s exchangetest.Simulated, value string) {
		test(desk{s, s.OpenRoot("main", exchanges.Options{}), s.Access("main").SubAccounts[0]}, value)
	})
}

func (d desk) create(lives time.Duration) (exchanges.Key, error) {
	public, _, err := orderly.New().NewKeyPair(exchanges.KeyEd25519)
	require.NoError(d, err)
	return d.CreateKey(d.T.Context(), exchanges.KeyRequest{
		SubAccount: d.subAccount, Label: "vlt-1", Permissions: []string{"read"}, KeyType: exchanges.KeyEd25519, PublicKey: public,
		Expires: time.Now().Add(lives),
	})
}

func (d desk) delete(key exchanges.Key) error {
	ref := exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Label: "vlt-1", Age: time.Hour}
	return exchanges.SettleOne(d.T.Context(), d.Account, orderly.New().Describe().Variants[0], ref)
}

// A life that Orderly does not accept leaves no key.
func TestShortestLife(t *testing.T) {
	inWeather(t, "shortest_life", []string{"24h"}, func(d desk, value string) {
		_, err := d.create(25 * time.Hour)
		require.NoError(d, err)
		_, err = d.create(time.Hour)
		if value == "" {
			require.NoError(d, err)
			return
		}
		require.ErrorIs(d, err, exchanges.ErrInvalid)
		require.Len(d, d.Keys(), 1)
	})
}

// An account that has as many keys as Orderly allows gets no more.
func TestFullAccount(t *testing.T) {
	inWeather(t, "full_account", []string{"3_keys"}, func(d desk, value string) {
		for range 3 {
			_, err := d.create(time.Hour)
			require.NoError(d, err)
		}
		_, err := d.create(time.Hour)
		if value == "" {
			require.NoError(d, err)
			return
		}
		require.ErrorIs(d, err, exchanges.ErrInvalid)
		require.Len(d, d.Keys(), 3)
	})
}

// The plugin's own key is registered once more if the answer to that is lost. Whatever
// Orderly then says, the key is there.
func TestRegisteredTwice(t *testing.T) {
	inWeather(t, "registered_twice", []string{"minus_1005"}, func(d desk, _ string) {
		_, err := d.Inspect(d.T.Context()) // This measures the clock, too.
		require.NoError(d, err)
		require.NoError(d, d.Inject(simulator.Fault{
			Exchange: "orderly", Operation: exchanges.OpAny, Kind: simulator.DropAfterCommit, Count: 1,
		}))
		_, err = d.SubAccounts(d.T.Context())
		require.NoError(d, err)
		require.Equal(d, 2, d.Calls("orderly", "other"))
	})
}

// A wrong clock is set right if Orderly says that it is the clock. If not, nothing is
// taken for gone, and everything works again when the clock is right.
func TestWrongClock(t *testing.T) {
	inWeather(t, "wrong_clock", []string{"minus_1005", "minus_1002"}, func(d desk, value string) {
		key, err := d.create(time.Hour)
		require.NoError(d, err)
		_, err = d.SubAccounts(d.T.Context())
		require.NoError(d, err)
		require.NoError(d, d.Inject(simulator.Fault{
			Exchange: "orderly", Operation: exchanges.OpAny, Kind: simulator.ClockSkew, Delay: 10 * time.Minute,
		}))
		err = d.delete(key)
		if value != "" {
			require.Error(d, err)
			require.Len(d, d.Keys(), 1)
			d.ClearFaults()
			err = d.delete(key)
		}
		require.NoError(d, err)
		require.Empty(d, d.Keys())
	})
}

// A list that does not show a new key proves nothing while Orderly knows the key, and
// where Orderly is not asked for each key, nothing for half a minute.
func TestListThatLags(t *testing.T) {
	variant := orderly.New().Describe().Variants[0]
	inWeather(t, "appears_late", []string{"20s"}, func(d desk, value string) {
		unseen := func() exchanges.KeyRef {
			key, err := d.create(time.Hour)
			require.NoError(d, err)
			return exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Unseen: true, Age: 10 * time.Second}
		}
		one := unseen()
		one.Age = time.Hour // It is younger, but this must not decide.
		require.NoError(d, exchanges.SettleOne(d.T.Context(), d.Account, variant, one))
		require.Empty(d, d.Keys())

		for _, err := range exchanges.Settle(d.T.Context(), d.Account, variant, unseen(), unseen()) {
			if value == "" {
				require.NoError(d, err)
			} else {
				require.ErrorIs(d, err, exchanges.ErrUnseen)
			}
		}
	})
}

// A removed key that Orderly still knows is gone if it is listed as removed.
func TestRemovedKeyThatIsKnown(t *testing.T) {
	inWeather(t, "status_filter", []string{"on"}, func(d desk, _ string) {
		key, err := d.create(time.Hour)
		require.NoError(d, err)
		require.NoError(d, d.DeleteKey(d.T.Context(), exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID}))
		deletions := d.Calls("orderly", exchanges.OpDeleteKey)
		ref := exchanges.KeyRef{SubAccount: d.subAccount, ID: key.ID, Unseen: true, Age: time.Hour}
		require.NoError(d, exchanges.SettleOne(d.T.Context(), d.Account, orderly.New().Describe().Variants[0], ref))
		require.Equal(d, deletions, d.Calls("orderly", exchanges.OpDeleteKey))
	})
}
