package binance

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/binance"
)

// roots are the kinds of root of the variants.
func roots() map[string]string { return map[string]string{variantMaster: "main", variantLink: "link"} }

// inWeather runs a test in each variant, in weather of its own.
func inWeather(t *testing.T, test func(s exchangetest.Simulated, account exchanges.Account, request exchanges.KeyRequest)) {
	for variant, root := range roots() {
		t.Run(variant, func(t *testing.T) {
			s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
			account := s.OpenRoot(root, exchanges.Options{Variant: variant})
			test(s, account, tradeRequest(t, s.Access(root).SubAccounts[0]))
		})
	}
}

// tradeRequest is for a key that may place orders, made from a public key, as both variants
// make them.
func tradeRequest(t *testing.T, subAccount string) exchanges.KeyRequest {
	public, _, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	return exchanges.KeyRequest{SubAccount: subAccount, Label: "vlt-1", Permissions: []string{"canTrade"}, PublicKey: public}
}

// A key of a frozen sub-account is gone once Binance lets it be deleted, and not
// before.
func TestFrozenSubAccount(t *testing.T) {
	inWeather(t, func(s exchangetest.Simulated, account exchanges.Account, request exchanges.KeyRequest) {
		key, err := account.CreateKey(s.Context(), request)
		require.NoError(s, err)
		ref := exchanges.KeyRef{SubAccount: request.SubAccount, ID: key.ID}
		s.Set("frozen_sub_account", "keeps_keys")
		require.ErrorIs(s, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrUnsupported)
		require.Len(s, s.Keys(), 1)
		s.Set("frozen_sub_account", "")
		require.NoError(s, exchangetest.Settle(s.Context(), account, ref))
		require.Empty(s, s.Keys())
	})
}

// However Binance refuses the 31st key, the sub-account is known to be full.
func TestFullSubAccount(t *testing.T) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	account := s.OpenRoot("main", exchanges.Options{})
	request := exchanges.KeyRequest{SubAccount: s.Access("main").SubAccounts[0], Permissions: []string{"canTrade"}}
	for i := range keysPerSubAccount {
		request.Label = fmt.Sprintf("vlt-%d", i)
		_, err := account.CreateKey(s.Context(), request)
		require.NoError(t, err)
	}
	for value, code := range map[string]string{"": "-9000", "bad_value": "-1130", "new_code": "-29999"} {
		s.Set("full_sub_account", value)
		_, err := account.CreateKey(s.Context(), request)
		require.ErrorIs(t, err, exchanges.ErrKeyCap)
		require.Equal(t, code, exchangetest.Failed(t, err).Code)
	}
	require.Len(t, s.Keys(), keysPerSubAccount)
}

// A key that needs a call which Binance no longer has is not left behind.
func TestOptionsCallThatIsGone(t *testing.T) {
	s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
	account := s.OpenRoot("link", exchanges.Options{Variant: variantLink})
	request := tradeRequest(t, s.Access("link").SubAccounts[0])
	request.Permissions = append(request.Permissions, canVanillaOptions)
	_, err := account.CreateKey(s.Context(), request)
	require.NoError(t, err)
	s.Set("options_call", "gone")
	_, err = account.CreateKey(s.Context(), request)
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.Len(t, s.Keys(), 1)
}

// No key is made from a public key in a form that Binance does not accept.
func TestPublicKeyThatIsRefused(t *testing.T) {
	inWeather(t, func(s exchangetest.Simulated, account exchanges.Account, request exchanges.KeyRequest) {
		s.Set("public_key_form", "not_pem")
		_, err := account.CreateKey(s.Context(), request)
		require.ErrorIs(s, err, exchanges.ErrInvalid)
		require.Empty(s, s.Keys())
	})
}

// Whatever stands in place of the secret, a key made from a public key is whole.
func TestAnswerWithoutASecret(t *testing.T) {
	inWeather(t, func(s exchangetest.Simulated, account exchanges.Account, request exchanges.KeyRequest) {
		for _, value := range []string{"", "null", "empty", "absent"} {
			s.Set("no_secret", value)
			key, err := account.CreateKey(s.Context(), request)
			require.NoError(s, err, value)
			require.Empty(s, key.APISecret)
		}
	})
}
