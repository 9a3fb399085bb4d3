package bybit

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bybit"
)

// desk is a simulated Bybit in some weather.
type desk struct{ exchangetest.Simulated }

// inWeather starts a simulated Bybit with a condition set.
func inWeather(t *testing.T, condition, value string) desk {
	s := desk{exchangetest.Simulate(t, New(), standin.Venue(), simulator.Options{})}
	s.Set(condition, value)
	return s
}

func (d desk) subAccount() string { return d.Exchange("bybit").SubAccounts[0] }

// trader is a request for a key that may trade spot.
func (d desk) trader(label string) exchanges.KeyRequest {
	return exchanges.KeyRequest{SubAccount: d.subAccount(), Label: label, Permissions: []string{"Spot.SpotTrade"}}
}

// freeze freezes the sub-account, or lifts that.
func (d desk) freeze(account exchanges.Account, frozen string) {
	require.NoError(d, account.(interface {
		DoJSON(context.Context, rest.Call, any, rest.Out) error
	}).DoJSON(d.Context(), rest.Call{
		Operation: exchanges.OpInspect, Method: "POST", Path: "/v5/user/frozen-sub-member", Effect: rest.Idempotent,
	}, json.RawMessage(`{"subuid":`+d.subAccount()+`,"frozen":`+frozen+`}`), nil))
}

// A key of a frozen sub-account is gone only if Bybit lets it be deleted; otherwise
// once it does.
func TestFrozenSubAccount(t *testing.T) {
	for _, value := range []string{"", "keeps_keys"} {
		s := inWeather(t, "frozen_sub_account", value)
		account := s.OpenRoot("main", exchanges.Options{})
		key, err := account.CreateKey(s.Context(), s.trader("vlt-1"))
		require.NoError(t, err)
		s.freeze(account, "1")
		ref := exchanges.KeyRef{SubAccount: s.subAccount(), ID: key.ID, Label: "vlt-1"}
		err = exchangetest.Settle(s.Context(), account, ref)
		if value != "" {
			require.ErrorIs(t, err, exchanges.ErrPermission)
			require.ErrorContains(t, err, "the sub-account is frozen")
			require.Len(t, s.Keys(), 1)
			s.freeze(account, "0")
			err = exchangetest.Settle(s.Context(), account, ref)
		}
		require.NoError(t, err)
		require.Empty(t, s.Keys())
	}
}

// However Bybit refuses one key too many, its words reach the user, and no key is
// made.
func TestFullSubAccount(t *testing.T) {
	s := inWeather(t, "full_sub_account", "2_keys")
	account := s.OpenRoot("main", exchanges.Options{})
	for _, label := range []string{"vlt-1", "vlt-2"} {
		_, err := account.CreateKey(s.Context(), s.trader(label))
		require.NoError(t, err)
	}
	_, err := account.CreateKey(s.Context(), s.trader("vlt-3"))
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "the number of API keys has reached its limit")
	require.Len(t, s.Keys(), 2)
	s.Set("full_sub_account", "")
	_, err = account.CreateKey(s.Context(), s.trader("vlt-3"))
	require.NoError(t, err)
}

// The longest label of the driver is short enough, and one that is taken makes no key.
func TestNoteRules(t *testing.T) {
	longest := strings.Repeat("n", New().Describe().Variants[0].Label.MaxLength)
	for _, value := range []string{"20_characters", "unique"} {
		s := inWeather(t, "note_rule", value)
		account := s.OpenRoot("main", exchanges.Options{})
		_, err := account.CreateKey(s.Context(), s.trader(longest))
		require.NoError(t, err)
		refused := s.trader(longest)
		if value == "20_characters" {
			refused.Label += "n"
		}
		_, err = account.CreateKey(s.Context(), refused)
		require.ErrorIs(t, err, exchanges.ErrInvalid)
		require.Len(t, s.Keys(), 1)
	}
}

// A key that Bybit does not bind to as many addresses is not made, rather than bound
// to fewer.
func TestFewAddresses(t *testing.T) {
	addresses := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}
	for value, bound := range map[string]int{"": 5, "4_addresses": 4} {
		s := inWeather(t, "few_addresses", value)
		account := s.OpenRoot("main", exchanges.Options{})
		for _, count := range []int{4, 5} {
			request := s.trader("vlt-1")
			request.Addresses = addresses[:count]
			_, err := account.CreateKey(s.Context(), request)
			require.Equal(t, count <= bound, err == nil, err)
		}
		for _, key := range s.Keys() {
			require.LessOrEqual(t, len(key.IPs), bound)
			require.GreaterOrEqual(t, len(key.IPs), 4)
		}
	}
}

// Bybit does not document how to list keys of demo accounts. Where the list shows
// them, they are minted; where it does not, a key is deleted again; and where it is
// refused, none is made.
func TestDemoKeysMustBeListed(t *testing.T) {
	for _, test := range []struct {
		weather        string
		kind           exchanges.Kind
		created, lists int
	}{
		{"", "", 1, 2}, {"unlisted", exchanges.ErrUnsupported, 1, 3}, {"list_refused", exchanges.ErrPermission, 0, 1},
	} {
		t.Run(test.weather, func(t *testing.T) {
			s := inWeather(t, "demo_keys", test.weather)
			account := s.OpenRoot("main", exchanges.Options{Environment: environmentDemo})
			key, err := account.CreateKey(s.Context(), s.trader("vlt-1"))
			require.Equal(t, test.created, s.Calls("bybit", exchanges.OpCreateKey))
			require.Equal(t, test.lists, s.Calls("bybit", exchanges.OpListKeys))
			if test.kind != "" {
				require.ErrorIs(t, err, test.kind)
				require.Empty(t, s.Keys())
				return
			}
			require.NoError(t, err)
			require.NoError(t, exchangetest.Settle(s.Context(), account, exchanges.KeyRef{SubAccount: s.subAccount(), ID: key.ID, Age: time.Hour}))
			require.Empty(t, s.Keys())
		})
	}
}
