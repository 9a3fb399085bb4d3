package bitget

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitget"
)

// inWeather runs a test in each of the variants, with a simulated Bitget of its own, an
// account there and a new key that only reads.
func inWeather(t *testing.T, variants []string, test func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef)) {
	for _, kind := range variants {
		t.Run(kind, func(t *testing.T) {
			s := exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})
			root := kind
			if kind == variantUnified {
				root = "main"
			}
			account := s.OpenRoot(root, exchanges.Options{Variant: kind})
			keyRequest := exchanges.KeyRequest{
				SubAccount: s.Access(root).SubAccounts[0], Label: "vlt-1", Passphrase: "Minted0001",
				Permissions: []string{readOnly}, Addresses: []string{"203.0.113.1"},
			}
			if kind == variantClassic {
				keyRequest.Permissions = []string{classicRead}
			}
			key, err := account.CreateKey(s.Context(), keyRequest)
			require.NoError(t, err)
			test(s, account, exchanges.KeyRef{SubAccount: keyRequest.SubAccount, ID: key.ID, Label: keyRequest.Label, Passphrase: keyRequest.Passphrase})
		})
	}
}

func allVariants() []string { return []string{variantUnified, variantClassic, variantBroker} }

// living are the permissions of each key at the exchange.
func living(s exchangetest.Simulated) (permissions [][]string) {
	for _, key := range s.Keys() {
		permissions = append(permissions, key.Permissions)
	}
	return permissions
}

// A key of a frozen sub-account is gone once Bitget lets it be deleted, and not before.
func TestFrozenSubAccount(t *testing.T) {
	inWeather(t, allVariants(), func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		before := living(s)
		s.Set("frozen_sub_account", "keeps_keys")
		require.ErrorIs(s, exchangetest.Settle(s.Context(), account, ref), exchanges.ErrPermission)
		require.Equal(s, before, living(s))
		s.Set("frozen_sub_account", "")
		require.NoError(s, exchangetest.Settle(s.Context(), account, ref))
		require.NotEqual(s, before, living(s))
	})
}

// Whichever code says that a key is gone, it is known to be gone.
func TestCodesForAGoneKey(t *testing.T) {
	inWeather(t, allVariants(), func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		require.True(s, s.RemoveKey("bitget", ref.ID))
		for _, code := range []string{"", "40037", "40041", "40065"} {
			s.Set("gone_key", code)
			require.ErrorIs(s, account.DeleteKey(s.Context(), ref), exchanges.ErrNotFound, code)
			require.NoError(s, exchangetest.Settle(s.Context(), account, ref), code)
		}
	})
}

// A classic key that an edit without permissions gives the default ones is cut back to
// reading, and is not gone. Nor is one whose permissions the list does not show.
func TestEmptiedKey(t *testing.T) {
	for _, test := range []struct {
		weather string
		kind    exchanges.Kind
		left    []string
	}{
		{"", "", nil}, {"defaults", exchanges.ErrUnsupported, []string{classicRead}}, {"no_list", exchanges.ErrUnavailable, nil},
	} {
		inWeather(t, []string{variantClassic}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
			s.Set("emptied_key", test.weather)
			err := exchangetest.Settle(s.Context(), account, ref)
			require.Len(s, s.Keys(), 1, "its place is taken")
			require.ElementsMatch(s, test.left, s.Keys()[0].Permissions)
			require.Equal(s, []string{"203.0.113.1"}, s.Keys()[0].IPs)
			if test.kind == "" {
				require.NoError(s, err)
				return
			}
			require.ErrorIs(s, err, test.kind)
		})
	}
}

// A classic key whose addresses the list shows in part loses its permissions all the
// same.
func TestEmptiedKeyWithMaskedAddresses(t *testing.T) {
	inWeather(t, []string{variantClassic}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		s.Set("masked_addresses", "on")
		require.NoError(s, exchangetest.Settle(s.Context(), account, ref))
		require.Empty(s, s.Keys()[0].Permissions)
	})
}

// Whatever the spelling of its type, a key that only reads is known as one.
func TestSpellingsOfTheType(t *testing.T) {
	inWeather(t, []string{variantUnified, variantBroker}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		s.Set("type_words", "on")
		listed, err := account.ListKeys(s.Context(), ref.SubAccount)
		require.NoError(s, err)
		require.Equal(s, []string{readOnly}, listed[0].Permissions)
		key, err := account.CreateKey(s.Context(), exchanges.KeyRequest{
			SubAccount: ref.SubAccount, Label: "vlt-2", Passphrase: ref.Passphrase, Permissions: []string{readOnly},
		})
		require.NoError(s, err)
		require.Equal(s, []string{readOnly}, key.Permissions)
	})
}

// A key is deleted by either name of the parameter that names it. The second is tried
// only if the first is refused as a parameter.
func TestNameOfTheDeletedKey(t *testing.T) {
	for weather, calls := range map[string]int{"": 1, "lower_case": 2} {
		inWeather(t, []string{variantUnified}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
			s.Set("deleted_key_name", weather)
			require.NoError(s, account.DeleteKey(s.Context(), ref))
			require.Empty(s, s.Keys())
			require.Equal(s, calls, s.Calls("bitget", exchanges.OpDeleteKey))
		})
	}
	inWeather(t, []string{variantUnified}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		s.Set("frozen_sub_account", "keeps_keys")
		require.ErrorIs(s, account.DeleteKey(s.Context(), ref), exchanges.ErrPermission)
		require.Equal(s, 1, s.Calls("bitget", exchanges.OpDeleteKey))
	})
}

// Whatever the code, a unified sub-account with as many keys as Bitget allows is known
// to be full.
func TestFullSubAccount(t *testing.T) {
	inWeather(t, []string{variantUnified}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		create := func() error {
			_, err := account.CreateKey(s.Context(), exchanges.KeyRequest{
				SubAccount: ref.SubAccount, Label: fmt.Sprintf("vlt-%d", len(s.Keys())+1), Passphrase: ref.Passphrase, Permissions: []string{readOnly},
			})
			return err
		}
		for len(s.Keys()) < keysPerAccount {
			require.NoError(s, create())
		}
		for weather, code := range map[string]string{"": "40063", "new_code": "29999"} {
			s.Set("full_sub_account", weather)
			err := create()
			require.ErrorIs(s, err, exchanges.ErrKeyCap, weather)
			require.Equal(s, code, exchangetest.Failed(s, err).Code)
		}
		require.Len(s, s.Keys(), keysPerAccount)
	})
}

// A refusal of a sub-account that has room does not make it full.
func TestRefusalWithRoom(t *testing.T) {
	inWeather(t, []string{variantUnified}, func(s exchangetest.Simulated, account exchanges.Account, ref exchanges.KeyRef) {
		_, err := account.CreateKey(s.Context(), exchanges.KeyRequest{
			SubAccount: ref.SubAccount, Label: "1-vlt", Passphrase: ref.Passphrase, Permissions: []string{readOnly},
		})
		require.ErrorIs(s, err, exchanges.ErrInvalid)
		require.Len(s, s.Keys(), 1)
	})
}
