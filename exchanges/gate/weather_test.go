package gate

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/gate"
)

// simulate starts a simulated Gate. The account is its main root's, and the request is
// for a key that may trade futures and read spot.
func simulate(t *testing.T) (exchangetest.Simulated, exchanges.Account, exchanges.KeyRequest) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	return s, s.OpenRoot("main", exchanges.Options{}), exchanges.KeyRequest{
		SubAccount: s.Access("main").SubAccounts[0], Label: "vlt-1", Permissions: []string{"futures:write", "spot:read"},
	}
}

// A key of a locked sub-account is gone once Gate lets it be deleted, and not before.
func TestLockedSubAccount(t *testing.T) {
	s, account, request := simulate(t)
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}
	s.Set("locked_sub_account", "keeps_keys")
	require.ErrorIs(t, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrPermission)
	require.Len(t, s.Keys(), 1)
	s.Set("locked_sub_account", "")
	require.NoError(t, exchangetest.Settle(s.Context(), account, ref))
	require.Empty(t, s.Keys())
}

// A sub-account with 20 keys is known to be full, whatever the label. One that Gate
// calls full earlier gets Gate's words.
func TestKeyCap(t *testing.T) {
	s, account, request := simulate(t)
	for i := range keysPerSubAccount {
		if i == 5 {
			s.Set("key_cap", "5_keys")
			_, err := account.CreateKey(s.Context(), request)
			require.ErrorIs(t, err, exchanges.ErrInvalid)
			require.ErrorContains(t, err, "has reached the upper limit")
			s.Set("key_cap", "")
		}
		request.Label = fmt.Sprintf("vlt-%d", i)
		_, err := account.CreateKey(s.Context(), request)
		require.NoError(t, err)
		request.Label = "vlt-full"
	}
	for value, label := range map[string]string{"": "BAD_REQUEST", "new_label": "API_KEY_LIMIT"} {
		s.Set("key_cap", value)
		_, err := account.CreateKey(s.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrKeyCap)
		require.Equal(t, label, exchangetest.Failed(t, err).Code)
	}
}

// A permission without its flag is one that is not read-only.
func TestFlagThatIsLeftOut(t *testing.T) {
	s, account, request := simulate(t)
	s.Set("missing_flag", "on")
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	require.Equal(t, request.Permissions, key.Permissions)
	listed, err := account.ListKeys(s.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Equal(t, request.Permissions, listed[0].Permissions)
}

// Whatever the form of the list of root keys, what the root may do is known.
func TestFormsOfRootKeys(t *testing.T) {
	s, account, _ := simulate(t)
	array, err := account.Inspect(s.Context())
	require.NoError(t, err)
	require.NotEmpty(t, array.Permissions)
	s.Set("root_keys_form", "object")
	object, err := account.Inspect(s.Context())
	require.NoError(t, err)
	require.Equal(t, array.Permissions, object.Permissions)
}

// A root key without the right that Gate asks for makes no key, and what is wrong is
// said.
func TestRootThatLacksARight(t *testing.T) {
	for value, remedy := range map[string]string{"forbidden": "use a root key of the main account", "read_only": "give the root key write access"} {
		s, account, request := simulate(t)
		s.Set("root_right", value)
		identity, err := account.Inspect(s.Context())
		require.NoError(t, err)
		require.Equal(t, value == "read_only", identity.CanMint, "reading is all that a check does")
		_, err = account.CreateKey(s.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrPermission)
		require.ErrorContains(t, err, remedy)
		require.Empty(t, s.Keys())
	}
}
