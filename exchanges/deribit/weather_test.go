package deribit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
)

// in sets a condition of the weather.
func (v *venue) in(condition, value string) { require.NoError(v, v.SetWeather(name, condition, value)) }

// Where the main user's second factor does not guard sub-accounts, no code is used.
func TestNoFactorInSubAccounts(t *testing.T) {
	for weather, codes := range map[string]bool{"": true, "absent": false} {
		t.Run(weather, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				v.in("sub_account_factor", weather)
				guarded, subAccount := v.root("totp")
				request := v.request(subAccount, "vlt1", "203.0.113.7")
				waited := took(func() {
					key, err := guarded.CreateKey(v.Context(), request)
					require.NoError(t, err)
					require.NoError(t, exchangetest.Settle(v.Context(), guarded, ref(request, key)))
				})
				assert.Equal(t, codes, waited > 20*time.Second, "%s", waited)
				assert.Empty(t, v.Keys())
			})
		})
	}
}

// Whatever the code, an account that lists as many keys as it may have is full.
func TestFullAccountInAnyWords(t *testing.T) {
	for weather, code := range map[string]string{"": "11050", "undocumented": "19999"} {
		t.Run(weather, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				v.in("full_account", weather)
				root, subAccount := v.root("main")
				for range maxKeys {
					_, err := root.CreateKey(v.Context(), v.request(subAccount, "vlt", "203.0.113.7"))
					require.NoError(t, err)
				}
				_, err := root.CreateKey(v.Context(), v.request(subAccount, "vlt", "203.0.113.7"))
				require.ErrorIs(t, err, exchanges.ErrKeyCap)
				var failure *exchanges.Error
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, code, failure.Code)
				assert.Len(t, v.Keys(), maxKeys)
			})
		})
	}
}

// Where a key pair cannot log in, the check of such a root key says so.
func TestPairsDoNotLogIn(t *testing.T) {
	atVenue(t, func(v *venue) {
		v.in("pair_login", "refused")
		root, subAccount := v.root("ed25519")
		_, err := root.Inspect(v.Context())
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.ErrorContains(t, err, "grant_type")
		_, err = root.CreateKey(v.Context(), v.request(subAccount, "vlt1"))
		require.Error(t, err)
		assert.Empty(t, v.Keys())
	})
}

// A removed key is gone, but a token that it received may live until it ends.
func TestTokensOfARemovedKey(t *testing.T) {
	for weather, lives := range map[string]bool{"": false, "live": true} {
		t.Run(weather, func(t *testing.T) {
			atVenue(t, func(v *venue) {
				v.in("old_tokens", weather)
				root, subAccount := v.root("main")
				public, private, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
				require.NoError(t, err)
				request := v.request(subAccount, "vlt1")
				request.KeyType, request.PublicKey = exchanges.KeyEd25519, public
				key, err := root.CreateKey(v.Context(), request)
				require.NoError(t, err)
				user := v.open(exchanges.Credential{APIKey: key.APIKey, PrivateKey: private}, variantDirect)
				ask := func() error {
					return user.send(v.Context(), call{
						operation: exchanges.OpTryKey, method: "private/get_positions", params: params{"currency": "BTC", "kind": "future"},
					}, nil)
				}
				require.NoError(t, ask())
				require.NoError(t, exchangetest.Settle(v.Context(), root, ref(request, key)))
				require.Empty(t, v.Keys())
				err = ask()
				assert.Equal(t, lives, err == nil, "%v", err)
				time.Sleep(15 * time.Minute)
				require.ErrorIs(t, ask(), exchanges.ErrAuth)
			})
		})
	}
}

// A list that shows client ids only in part must not hide a minted key behind the
// root key, nor make an old root key seem gone.
func TestPick(t *testing.T) {
	for _, test := range []struct {
		name string
		ids  []string
		at   int
		err  error
	}{
		{"whole", []string{"AbCdEfGh", "rootroot"}, 1, nil},
		{"whole, among others in part", []string{"roo***ot", "rootroot"}, 1, nil},
		{"in part", []string{"AbC***Gh", "roo***ot"}, 1, nil},
		{"in part, of two", []string{"roo***ot", "r******t"}, -1, exchanges.ErrUnsupported},
		{"hidden", []string{"********", "********"}, -1, exchanges.ErrUnsupported},
		{"not there", []string{"AbCdEfGh", "AbC***Gh"}, -1, nil},
		{"none", nil, -1, nil},
	} {
		var keys []key
		for _, id := range test.ids {
			keys = append(keys, key{ClientID: id})
		}
		at, err := pick(keys, "rootroot")
		require.ErrorIs(t, err, test.err, test.name)
		require.Equal(t, test.at, at, test.name)
	}
}

// An old root key that is shown in part is deleted all the same.
func TestDeleteRootShownInPart(t *testing.T) {
	atVenue(t, func(v *venue) {
		v.in("masked_keys", "on")
		root, _ := v.root("main")
		second, ok := v.Root(name, "second")
		require.True(t, ok)
		require.NoError(t, root.DeleteRoot(v.Context(), second.APIKey))
		assert.Equal(t, []string{second.APIKey}, v.Deletions(name))
	})
}
