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
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// desk is a sub-account in some weather, with the account that manages it.
type desk struct {
	*account
	t      *testing.T
	sim    *simulator.Simulator
	number string
}

// inWeather runs a test in each weather of a condition, and in calm weather.
func inWeather(t *testing.T, condition string, values []string, test func(d desk, value string)) {
	for _, value := range append([]string{""}, values...) {
		t.Run(condition+"="+value, func(t *testing.T) {
			exchangetest.Bubble(t, subject("main"), func(t *testing.T, sim *simulator.Simulator, options exchanges.Options) {
				require.NoError(t, sim.SetWeather("bingx", condition, value))
				root, _ := sim.Root("bingx", "main")
				opened, err := New().Open(exchanges.Credential{APIKey: root.APIKey, APISecret: exchanges.Secret(root.APISecret)}, options)
				require.NoError(t, err)
				t.Cleanup(opened.Close)
				test(desk{opened.(*account), t, sim, root.SubAccounts[0]}, value)
			})
		})
	}
}

func (d desk) create(label string) (exchanges.Key, error) {
	return d.CreateKey(d.t.Context(), exchanges.KeyRequest{SubAccount: d.number, Label: label, Permissions: []string{permRead}})
}

// freeze freezes or releases the sub-account, as its owner can on BingX's website.
func (d desk) freeze(freeze bool) {
	uid, err := exchanges.SubAccountNumber("bingx", exchanges.OpInspect, d.number)
	require.NoError(d.t, err)
	require.NoError(d.t, d.DoJSON(d.t.Context(), rest.Call{
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
			require.NoError(d.t, err)
		}
		_, err := d.create("vlt-one-too-many")
		require.ErrorIs(d.t, err, exchanges.ErrKeyCap)
		code := "100400"
		if value != "" {
			code = "100999"
		}
		require.Equal(d.t, code, exchangetest.Failed(d.t, err).Code)
		require.Len(d.t, d.sim.Keys(), keysPerSubAccount)
	})
}

// A key of a frozen sub-account is gone only if BingX lets it be deleted; otherwise
// once it does.
func TestFrozenAccount(t *testing.T) {
	inWeather(t, "frozen_account", []string{"on"}, func(d desk, value string) {
		key, err := d.create("vlt-1")
		require.NoError(d.t, err)
		d.freeze(true)
		ref := exchanges.KeyRef{SubAccount: d.number, ID: key.ID, Label: "vlt-1", Age: time.Hour}
		err = exchanges.SettleOne(d.t.Context(), d, d.Variant(), ref)
		if value == "" {
			require.ErrorIs(d.t, err, exchanges.ErrPermission)
			require.Len(d.t, d.sim.Keys(), 1)
			d.freeze(false)
			err = exchanges.SettleOne(d.t.Context(), d, d.Variant(), ref)
		}
		require.NoError(d.t, err)
		require.Empty(d.t, d.sim.Keys())
	})
}
