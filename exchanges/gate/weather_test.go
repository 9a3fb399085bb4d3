package gate

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

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
	for value, label := range map[string]string{"": "BAD_REQUEST", "new_label": "API_KEY_LIMIT", "bad_value": "INVALID_PARAM_VALUE"} {
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

// Whatever the form of the list of root keys, what the root may do is known. If it may
// not ask, nothing is claimed, and it mints all the same.
func TestFormsOfRootKeys(t *testing.T) {
	s, account, _ := simulate(t)
	array, err := account.Inspect(s.Context())
	require.NoError(t, err)
	require.NotEmpty(t, array.Permissions)
	s.Set("root_keys_form", "object")
	object, err := account.Inspect(s.Context())
	require.NoError(t, err)
	require.Equal(t, array.Permissions, object.Permissions)
	s.Set("root_keys_form", "forbidden")
	unknown, err := account.Inspect(s.Context())
	require.NoError(t, err)
	require.Nil(t, unknown.Permissions)
	require.True(t, unknown.CanMint)
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

// User IDs and times that are texts are read like numbers.
func TestNumbersAsTexts(t *testing.T) {
	s, account, request := simulate(t)
	_, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	look := func() (identity exchanges.Identity, subs []exchanges.SubAccount, keys []exchanges.KeyInfo) {
		identity, err := account.Inspect(s.Context())
		require.NoError(t, err)
		identity.ClockOffset = 0 // It is measured.
		subs, err = account.SubAccounts(s.Context())
		require.NoError(t, err)
		keys, err = account.ListKeys(s.Context(), request.SubAccount)
		require.NoError(t, err)
		return identity, subs, keys
	}
	identity, subs, keys := look()
	s.Set("number_form", "text")
	again, subsAgain, keysAgain := look()
	require.Equal(t, identity, again)
	require.Equal(t, subs, subsAgain)
	require.Equal(t, keys, keysAgain)
	require.False(t, keys[0].CreatedAt.IsZero())
}

// A call from another address is told what to do, whatever the label.
func TestCallFromAnotherAddress(t *testing.T) {
	s, account, request := simulate(t)
	request.Addresses = []string{"192.0.2.1"}
	key, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	bound := s.Open(exchanges.Credential{APIKey: key.APIKey, APISecret: key.APISecret}, exchanges.Options{})
	for value, label := range map[string]string{"": "FORBIDDEN", "ip_forbidden": "IP_FORBIDDEN"} {
		s.Set("address_refusal", value)
		_, err := bound.Inspect(s.Context())
		require.ErrorIs(t, err, exchanges.ErrPermission)
		require.ErrorContains(t, err, "bind this host's public address")
		require.Equal(t, label, exchangetest.Failed(t, err).Code)
	}
}

// A key without addresses that Gate ended by itself is known to be gone, and only that
// one.
func TestKeyThatEndsByItself(t *testing.T) {
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{Now: now})
	account := s.OpenRoot("main", exchanges.Options{})
	request := exchanges.KeyRequest{SubAccount: s.Access("main").SubAccounts[0], Label: "vlt-unbound", Permissions: []string{"spot:read"}}
	unbound, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	request.Label, request.Addresses = "vlt-bound", []string{"192.0.2.1"}
	_, err = account.CreateKey(s.Context(), request)
	require.NoError(t, err)

	passed.Store(int64(90 * 24 * time.Hour))
	keys, err := account.ListKeys(s.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Len(t, keys, 2)
	s.Set("unbound_key", "ends")
	keys, err = account.ListKeys(s.Context(), request.SubAccount)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, request.Label, keys[0].Label)
	require.NoError(t, exchangetest.Settle(s.Context(), account, exchanges.KeyRef{SubAccount: request.SubAccount, ID: unbound.ID}))
	require.Len(t, s.Keys(), 1)
}
