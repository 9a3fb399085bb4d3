package bingx

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

// desk is a sub-account in some weather, with the account that manages it.
type desk struct {
	exchangetest.Simulated
	*account
	number string
}

// inWeather runs a test in each weather of a condition, and in calm weather.
func inWeather(t *testing.T, condition string, values []string, test func(d desk, value string)) {
	exchangetest.InWeather(t, subject("main"), condition, values, func(s exchangetest.Simulated, value string) {
		test(desk{s, s.OpenRoot("main", exchanges.Options{}).(*account), s.Access("main").SubAccounts[0]}, value)
	})
}

func (d desk) create(label string) (exchanges.Key, error) {
	return d.CreateKey(d.T.Context(), exchanges.KeyRequest{SubAccount: d.number, Label: label, Permissions: []string{permRead}})
}

// freeze freezes or releases the sub-account, as its owner can on BingX's website.
func (d desk) freeze(freeze bool) {
	uid, err := exchanges.SubAccountNumber("bingx", exchanges.OpInspect, d.number)
	require.NoError(d, err)
	require.NoError(d, d.DoJSON(d.T.Context(), rest.Call{
		Operation: exchanges.OpInspect, Method: http.MethodPost, Path: "/openApi/subAccount/v1/updateStatus", Effect: rest.Idempotent,
	}, struct {
		SubUID int64 `json:"subUid"`
		Freeze bool  `json:"freeze"`
	}{uid, freeze}, nil))
}

// Whatever code BingX has for a sub-account that is full, its keys are counted.
func TestFullAccount(t *testing.T) {
	inWeather(t, "full_account", []string{"unlisted_code"}, func(d desk, value string) {
		for i := range keysPerSubAccount {
			_, err := d.create(fmt.Sprintf("vlt-%d", i))
			require.NoError(d, err)
		}
		_, err := d.create("vlt-one-too-many")
		require.ErrorIs(d, err, exchanges.ErrKeyCap)
		code := "100400"
		if value != "" {
			code = "100999"
		}
		require.Equal(d, code, exchangetest.Failed(d, err).Code)
		require.Len(d, d.Keys(), keysPerSubAccount)
	})
}

// A key of a frozen sub-account is gone only if BingX lets it be deleted; otherwise
// once it does.
func TestFrozenAccount(t *testing.T) {
	inWeather(t, "frozen_account", []string{"on"}, func(d desk, value string) {
		key, err := d.create("vlt-1")
		require.NoError(d, err)
		d.freeze(true)
		ref := exchanges.KeyRef{SubAccount: d.number, ID: key.ID, Label: "vlt-1", Age: time.Hour}
		err = exchanges.SettleOne(d.T.Context(), d.account, d.Variant(), ref)
		if value == "" {
			require.ErrorIs(d, err, exchanges.ErrPermission)
			require.Len(d, d.Keys(), 1)
			d.freeze(false)
			err = exchanges.SettleOne(d.T.Context(), d.account, d.Variant(), ref)
		}
		require.NoError(d, err)
		require.Empty(d, d.Keys())
	})
}
