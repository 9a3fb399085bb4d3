package exchanges_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestAddition(t *testing.T) {
	odd := fine()
	odd.Permissions = append(odd.Permissions, exchanges.Permission{Name: "odd", Scopes: exchanges.NewScopes(read), Beyond: true, Automatic: true})
	futuresToo := exchanges.NewScopes(futures)
	for _, test := range []struct {
		name    string
		variant exchanges.Variant
		wanted  exchanges.Scopes
		given   []string
		want    exchanges.Addition
		strict  bool // the rest is as it was asked for
	}{
		{"nothing", fine(), exchanges.NewScopes(read, spot), []string{"spot"}, exchanges.Addition{Risk: exchanges.RiskModerate}, true},
		{"within the scopes", fine(), exchanges.NewScopes(read, futures), []string{"orders", "positions", "derivatives"}, exchanges.Addition{Risk: exchanges.RiskModerate}, true},
		{
			"beyond the scopes", fine(), exchanges.NewScopes(read, spot), []string{"spot", "derivatives"},
			exchanges.Addition{Permissions: []string{"derivatives"}, Scopes: futuresToo, Risk: exchanges.RiskModerate}, true,
		},
		{
			"on a key that reads", fine(), exchanges.NewScopes(read), []string{"reader", "derivatives"},
			exchanges.Addition{Permissions: []string{"derivatives"}, Scopes: futuresToo, Risk: exchanges.RiskModerate}, true,
		},
		{
			"on a critical key", fine(), exchanges.NewScopes(read, transfer), []string{"transfer", "derivatives"},
			exchanges.Addition{Permissions: []string{"derivatives"}, Scopes: futuresToo, Risk: exchanges.RiskCritical}, true,
		},
		{
			"beside another surplus", fine(), exchanges.NewScopes(read, spot), []string{"spot", "derivatives", "transfer"},
			exchanges.Addition{Permissions: []string{"derivatives"}, Scopes: futuresToo, Risk: exchanges.RiskModerate}, false,
		},
		{"another surplus alone", fine(), exchanges.NewScopes(read, spot), []string{"spot", "transfer", "nft"}, exchanges.Addition{Risk: exchanges.RiskModerate}, false},
		{
			"of unknown reach", odd, exchanges.NewScopes(read, spot), []string{"spot", "derivatives", "odd"},
			exchanges.Addition{Permissions: []string{"derivatives", "odd"}, Scopes: futuresToo, Risk: exchanges.RiskCritical}, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked, err := test.variant.Grant(test.wanted, nil)
			require.NoError(t, err)
			addition := test.variant.Addition(asked, test.given)
			require.Equal(t, test.want, addition)
			var rest []string
			for _, name := range test.given {
				if !slices.Contains(addition.Permissions, name) {
					rest = append(rest, name)
				}
			}
			require.Equal(t, test.strict, test.variant.CheckGrant(asked, rest) == nil)
			require.Equal(t, test.strict && len(addition.Permissions) == 0, test.variant.CheckGrant(asked, test.given) == nil)
		})
	}
}
