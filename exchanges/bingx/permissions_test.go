package bingx

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

// What roles are given, in BingX's numbers.
func TestGrants(t *testing.T) {
	variant := New().Describe().Variants[0]
	for _, test := range []struct {
		scopes, native []string
		want           []int
		risk           exchanges.Risk
	}{
		{[]string{"read"}, nil, []int{2}, exchanges.RiskMinimal},
		{[]string{"read", "trade:spot", "trade:margin"}, nil, []int{1, 2}, exchanges.RiskModerate},
		{[]string{"read", "trade:futures"}, nil, []int{2, 3}, exchanges.RiskModerate},
		{[]string{"read", "trade"}, nil, []int{1, 2, 3}, exchanges.RiskModerate},
		{[]string{"read", "transfer"}, nil, []int{2, 4}, exchanges.RiskCritical},
		{[]string{"read"}, []string{"7-internal-transfer"}, []int{2, 7}, exchanges.RiskCritical},
		{[]string{"read"}, []string{"5-withdraw"}, []int{2, 5}, exchanges.RiskCritical},
	} {
		scopes, err := exchanges.ParseScopes(test.scopes, variant.Offered())
		require.NoError(t, err)
		native := test.native
		if native != nil {
			native = append(native, "2-read")
		}
		grant, err := variant.Grant(scopes, native)
		require.NoError(t, err)
		require.Equal(t, test.want, encode(grant.Permissions), "%v %v", test.scopes, test.native)
		require.Equal(t, test.risk, grant.Risk)
	}
	for _, test := range []struct {
		scope exchanges.Scope
		says  string
	}{
		{exchanges.ScopeSpot, "ask for exactly scopes=read,trade:spot,trade:margin"},
		{exchanges.ScopeMargin, "ask for exactly scopes=read,trade:spot,trade:margin"},
		{exchanges.ScopeOptions, "is not offered"},
		{exchanges.ScopeWithdraw, "is not offered"},
	} {
		_, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, test.scope), nil)
		require.ErrorContains(t, err, test.says)
	}
	_, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeFutures), nil)
	require.ErrorContains(t, err, "useless without read")
	_, err = variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), []string{"6"})
	require.ErrorContains(t, err, "not known", "nobody says what it is")
}

// A key that BingX makes as requested shows what was asked for; one with a number
// more or less does not.
func TestDecodeReversesEncode(t *testing.T) {
	variant := New().Describe().Variants[0]
	names := []string{}
	for _, p := range variant.Permissions {
		names = append(names, p.Name)
	}
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "asked")
		slices.Sort(asked)
		grant := exchanges.Grant{Permissions: asked}
		var codes []string
		for _, code := range encode(asked) {
			codes = append(codes, strconv.Itoa(code))
		}
		require.Len(t, codes, len(asked))
		require.NoError(t, variant.CheckGrant(grant, decode(codes)))
		for _, code := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
			if !slices.Contains(codes, code) {
				require.Error(t, variant.CheckGrant(grant, decode(append(slices.Clone(codes), code))), code)
			}
		}
		for i := range codes {
			require.Error(t, variant.CheckGrant(grant, decode(slices.Delete(slices.Clone(codes), i, i+1))))
		}
	})
	require.Nil(t, decode[string](nil), "BingX does not say")
	require.Equal(t, []string{}, decode([]string{}))
	require.Equal(t, []string{"", "6"}, decode([]string{"6", ""}))
}
