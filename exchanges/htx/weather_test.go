package htx

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// desk is a sub-user in some weather, with the parent user that manages it.
type desk struct {
	exchangetest.Simulated
	*account
	subUser string
}

// inWeather runs a test in each weather of a condition, and in calm weather, with the
// root of a kind. The seed of one-time codes is left out.
func inWeather(t *testing.T, root, condition string, values []string, test func(d desk, value string)) {
	exchangetest.InWeather(t, subject(), condition, values, func(s exchangetest.Simulated, value string) {
		access := s.Access(root)
		withoutSeed := exchanges.Credential{APIKey: access.APIKey, APISecret: exchanges.Secret(access.APISecret)}
		test(desk{s, s.Open(withoutSeed, exchanges.Options{}).(*account), access.SubAccounts[0]}, value)
	})
}

func (d desk) create(label string) (exchanges.Key, error) {
	return d.CreateKey(d.T.Context(), exchanges.KeyRequest{SubAccount: d.subUser, Label: label, Permissions: []string{readOnly}})
}

// lock locks or unlocks the sub-user, as its parent user can on HTX's website.
func (d desk) lock(action string) {
	uid, err := exchanges.SubAccountNumber("htx", exchanges.OpInspect, d.subUser)
	require.NoError(d, err)
	require.NoError(d, d.DoJSON(d.T.Context(), rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodPost, Path: "/v2/sub-user/management", Effect: rest.Idempotent,
	}, struct {
		SubUID int64  `json:"subUid"`
		Action string `json:"action"`
	}{uid, action}, nil))
}

// Without totp_secret, a key is made if HTX asks for no one-time code. If it does, the
// refusal says what to do, whatever its code.
func TestWhetherACodeIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		root  string
		codes map[string]string // by the weather; empty: the key is made
	}{
		{"main", map[string]string{"": "", "required": "2003", "optional": "", "unlisted_code": ""}},
		{"totp", map[string]string{"": "2003", "required": "2003", "optional": "", "unlisted_code": "2999"}},
	} {
		inWeather(t, test.root, "one_time_code", []string{"required", "optional", "unlisted_code"}, func(d desk, value string) {
			_, err := d.create("vlt1")
			if test.codes[value] == "" {
				require.NoError(d, err)
				require.Len(d, d.Keys(), 1)
				return
			}
			require.ErrorIs(d, err, exchanges.ErrInvalid)
			require.ErrorContains(d, err, "set the connection's totp_secret")
			require.Equal(d, test.codes[value], exchangetest.Failed(d, err).Code)
			require.Empty(d, d.Keys())
		})
	}
}

// A sub-user is full when HTX says so, not when the plugin has counted.
func TestFullUser(t *testing.T) {
	inWeather(t, "main", "full_user", []string{"5_keys"}, func(d desk, value string) {
		most := 20
		if value != "" {
			most = 5
		}
		for i := range most {
			_, err := d.create(fmt.Sprintf("vlt%d", i))
			require.NoError(d, err)
		}
		_, err := d.create("vlt-one-too-many")
		require.ErrorIs(d, err, exchanges.ErrKeyCap)
		require.Len(d, d.Keys(), most)
	})
}

// A key of a locked sub-user is gone only if HTX lets it be deleted; otherwise once it
// does.
func TestLockedUser(t *testing.T) {
	inWeather(t, "main", "locked_user", []string{"keeps_keys"}, func(d desk, value string) {
		key, err := d.create("vlt1")
		require.NoError(d, err)
		d.lock("lock")
		ref := exchanges.KeyRef{SubAccount: d.subUser, ID: key.ID, Label: "vlt1", Age: time.Hour}
		err = exchanges.SettleOne(d.T.Context(), d.account, d.Variant(), ref)
		if value != "" {
			require.ErrorIs(d, err, exchanges.ErrPermission)
			require.Len(d, d.Keys(), 1)
			d.lock("unlock")
			err = exchanges.SettleOne(d.T.Context(), d.account, d.Variant(), ref)
		}
		require.NoError(d, err)
		require.Empty(d, d.Keys())
	})
}
