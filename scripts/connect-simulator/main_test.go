package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func TestNarrowestTrade(t *testing.T) {
	permission := func(name string, scopes ...exchanges.Scope) exchanges.Permission {
		return exchanges.Permission{Name: name, Scopes: exchanges.NewScopes(scopes...)}
	}
	read := permission("read", exchanges.ScopeRead)
	futures := permission("futures", exchanges.ScopeFutures)
	spot := permission("spot", exchanges.ScopeSpot)
	everything := permission("everything", exchanges.ScopeSpot, exchanges.ScopeFutures, exchanges.ScopeTransfer)
	byName := spot
	byName.ByName = true
	for name, test := range map[string]struct {
		permissions []exchanges.Permission
		want        string
	}{
		"spot of several":    {[]exchanges.Permission{read, futures, spot}, "read,trade:spot"},
		"all that there is":  {[]exchanges.Permission{read, everything}, "read,trade:spot,trade:futures,transfer"},
		"a narrower one":     {[]exchanges.Permission{read, everything, futures}, "read,trade:futures"},
		"not what is native": {[]exchanges.Permission{read, byName, futures}, "read,trade:futures"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, narrowestTrade(exchanges.Variant{Permissions: test.permissions}).String())
		})
	}
}

// TestNarrowestTradeOfEachExchange proves that every exchange has a set of
// scopes for its trader role.
func TestNarrowestTradeOfEachExchange(t *testing.T) {
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			scopes := narrowestTrade(variant)
			assert.True(t, slices.ContainsFunc(scopes, exchanges.Scope.IsTrade), exchange.Describe().Name)
			_, err := variant.Grant(scopes, nil)
			require.NoError(t, err)
		}
	}
}
