package bybit

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestEncode(t *testing.T) {
	for _, test := range []struct {
		names    []string
		readOnly int
		groups   groups
	}{
		{[]string{"Spot.SpotTrade"}, 0, groups{"Spot": {"SpotTrade"}}},
		{
			[]string{"ContractTrade.Order", "ContractTrade.Position", "Wallet.AccountTransfer"}, 0,
			groups{"ContractTrade": {"Order", "Position"}, "Wallet": {"AccountTransfer"}},
		},
		{
			[]string{"ReadOnly"}, 1,
			groups{"ContractTrade": {"Order", "Position"}, "Options": {"OptionsTrade"}, "Spot": {"SpotTrade"}},
		},
	} {
		asked := slices.Clone(test.names)
		readOnly, byGroup := encode(test.names)
		require.Equal(t, test.readOnly, readOnly)
		require.Equal(t, test.groups, byGroup)
		require.Equal(t, asked, test.names, "the caller's list must stay unchanged")
	}
}

func TestDecode(t *testing.T) {
	all := groups{"ContractTrade": {"Order", "Position"}, "Options": {"OptionsTrade"}, "Spot": {"SpotTrade"}, "Derivatives": {"DerivativesTrade"}, "Wallet": {}}
	withWallet := groups{"ContractTrade": {"Order", "Position"}, "Options": {"OptionsTrade"}, "Spot": {"SpotTrade"}, "Wallet": {"AccountTransfer"}}
	for _, test := range []struct {
		name     string
		readOnly bool
		groups   groups
		want     []string
	}{
		{"nothing", false, groups{"Spot": {}}, nil},
		{"sorted", false, groups{"Spot": {"SpotTrade"}, "ContractTrade": {"Position", "Order"}}, []string{"ContractTrade.Order", "ContractTrade.Position", "Spot.SpotTrade"}},
		{"read-only", true, all, []string{"ReadOnly"}},
		{"read-only, with Earn added", true, groups{"ContractTrade": {"Order", "Position"}, "Options": {"OptionsTrade"}, "Spot": {"SpotTrade"}, "Earn": {"Earn"}}, []string{"ReadOnly"}},
		{"read-only, with more than may be read", true, withWallet, []string{"ReadOnly", "Wallet.AccountTransfer"}},
		{"read-only, with less", true, groups{"Spot": {"SpotTrade"}}, []string{"Spot.SpotTrade"}},
	} {
		require.Equal(t, test.want, decode(test.readOnly, test.groups), test.name)
	}
}

// A key that Bybit makes as requested shows what was asked for.
func TestDecodeReversesEncode(t *testing.T) {
	variant := New().Describe().Variants[0]
	scopes := rapid.SliceOf(rapid.SampledFrom(variant.Offered()))
	rapid.Check(t, func(t *rapid.T) {
		wanted := exchanges.NewScopes(append(scopes.Draw(t, "scopes"), exchanges.ScopeRead)...)
		grant, err := variant.Grant(wanted, nil)
		require.NoError(t, err, "all of Bybit's permissions can be separated")
		require.Equal(t, wanted, grant.Scopes)
		readOnly, byGroup := encode(grant.Permissions)
		require.Equal(t, grant.Permissions, decode(readOnly == 1, byGroup))

		// Unified accounts add Derivatives to ContractTrade.
		if byGroup["ContractTrade"] != nil {
			byGroup["Derivatives"] = []string{"DerivativesTrade"}
			require.NoError(t, variant.CheckGrant(grant, decode(readOnly == 1, byGroup)))
		}
	})
}

// Whatever permissions Bybit shows, a key does not pass for read-only unless the
// switch says so.
func FuzzDecode(f *testing.F) {
	f.Add(true, []byte(`{"Spot":["SpotTrade"],"Wallet":[]}`))
	f.Add(false, []byte(`{"ContractTrade":["Order","Position"],"Derivatives":["DerivativesTrade"]}`))
	f.Fuzz(func(t *testing.T, isReadOnly bool, data []byte) {
		var byGroup groups
		if json.Unmarshal(data, &byGroup) != nil {
			return
		}
		names := decode(isReadOnly, byGroup)
		require.True(t, slices.IsSorted(names))
		if slices.Contains(names, readOnly) {
			require.True(t, isReadOnly)
		}
	})
}
