package okx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/okx"
)

// simulate starts a simulated OKX, and opens an account there with its main root.
func simulate(t *testing.T) (exchangetest.Simulated, exchanges.Account) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	return s, s.OpenRoot("main", exchanges.Options{})
}

// tradeRequest is for a key of one of the sub-accounts that may trade.
func tradeRequest(s exchangetest.Simulated, subAccount int, label string) exchanges.KeyRequest {
	return exchanges.KeyRequest{
		SubAccount: s.Access("main").SubAccounts[subAccount], Label: label, Permissions: []string{readOnly, trade}, Passphrase: "Aa1@aaaaaaaa",
	}
}

// A key of a frozen sub-account is gone once OKX lets it be deleted, and not before.
func TestFrozenSubAccount(t *testing.T) {
	s, account := simulate(t)
	key, err := account.CreateKey(s.Context(), tradeRequest(s, 0, "vlt1"))
	require.NoError(t, err)
	ref := exchanges.KeyRef{SubAccount: s.Access("main").SubAccounts[0], ID: key.ID}
	s.Set("frozen_sub_account", "keeps_keys")
	require.ErrorIs(t, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrPermission)
	require.Len(t, s.Keys(), 1)
	s.Set("frozen_sub_account", "")
	require.NoError(t, exchangetest.Settle(s.Context(), account, ref))
	require.Empty(t, s.Keys())
}

// Whichever code says that a key is gone, it is known to be gone, and a key that is
// there is not.
func TestCodesForAGoneKey(t *testing.T) {
	s, account := simulate(t)
	for _, code := range []string{"", "50119", "59605"} {
		s.Set("gone_key", code)
		key, err := account.CreateKey(s.Context(), tradeRequest(s, 0, "vlt1"))
		require.NoError(t, err)
		ref := exchanges.KeyRef{SubAccount: s.Access("main").SubAccounts[0], ID: key.ID}
		require.True(t, s.RemoveKey("okx", key.ID))
		require.ErrorIs(t, account.DeleteKey(s.Context(), ref), exchanges.ErrNotFound, code)
		require.NoError(t, exchangetest.Settle(s.Context(), account, ref), code)
	}
}

// Where the sub-accounts share the 50 keys, the others are known to be full as well.
func TestKeyCap(t *testing.T) {
	s, account := simulate(t)
	for i := range 50 {
		_, err := account.CreateKey(s.Context(), tradeRequest(s, 0, fmt.Sprintf("vlt%d", i)))
		require.NoError(t, err)
	}
	_, err := account.CreateKey(s.Context(), tradeRequest(s, 0, "full"))
	require.ErrorIs(t, err, exchanges.ErrKeyCap)
	s.Set("key_cap", "master")
	_, err = account.CreateKey(s.Context(), tradeRequest(s, 1, "full"))
	require.ErrorIs(t, err, exchanges.ErrKeyCap)
	s.Set("key_cap", "")
	_, err = account.CreateKey(s.Context(), tradeRequest(s, 1, "room"))
	require.NoError(t, err)
}

// A label that is taken makes no second key, wherever labels must be unique.
func TestLabelScope(t *testing.T) {
	s, account := simulate(t)
	_, err := account.CreateKey(s.Context(), tradeRequest(s, 0, "vlt1"))
	require.NoError(t, err)
	for _, value := range []string{"", "sub_account"} {
		s.Set("label_scope", value)
		_, err = account.CreateKey(s.Context(), tradeRequest(s, 0, "vlt1"))
		require.ErrorIs(t, err, exchanges.ErrConflict)
		_, err = account.CreateKey(s.Context(), tradeRequest(s, 1, "vlt1"))
		require.Equal(t, value == "", err != nil)
	}
	require.Len(t, s.Keys(), 2)
}

// A key that trades can also read, whether OKX adds that by itself or not.
func TestImpliedRead(t *testing.T) {
	grant, err := New().Describe().Variants[0].Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures, exchanges.ScopeOptions, exchanges.ScopeTransfer), nil)
	require.NoError(t, err)
	for _, value := range []string{"", "never"} {
		s, account := simulate(t)
		s.Set("implied_read", value)
		request := tradeRequest(s, 0, "vlt1")
		request.Permissions = []string{trade}
		key, err := account.CreateKey(s.Context(), request)
		require.NoError(t, err)
		require.Equal(t, value == "", len(key.Permissions) == 2, "the weather shows")

		request.Label, request.Permissions = "vlt2", grant.Permissions
		key, err = account.CreateKey(s.Context(), request)
		require.NoError(t, err)
		require.Equal(t, []string{readOnly, trade}, key.Permissions)
	}
}

// Where OKX does not mint keys, none is made; where it does, demo trading is no
// different.
func TestWhereKeysAreMinted(t *testing.T) {
	s, account := simulate(t)
	s.Set("minting", "nowhere")
	_, err := account.CreateKey(s.Context(), tradeRequest(s, 0, "vlt1"))
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.Empty(t, s.Keys())

	inDemo := s.OpenRoot("demo", exchanges.Options{Environment: demo})
	s.Set("minting", "")
	_, err = inDemo.SubAccounts(s.Context())
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	s.Set("minting", "in_demo_too")
	_, err = inDemo.SubAccounts(s.Context())
	require.NoError(t, err)
}
