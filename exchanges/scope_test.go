package exchanges_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestParseScopes(t *testing.T) {
	offered := exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeFutures, exchanges.ScopeTransfer)
	for _, test := range []struct {
		name  string
		words []string
		want  string
	}{
		{"nothing is read", nil, "read"},
		{"read is always in", []string{"trade:spot"}, "read,trade:spot"},
		{"canonical order, no repeats", []string{"transfer", "trade:spot", "read", "trade:spot"}, "read,trade:spot,transfer"},
		{"case and blanks do not matter", []string{" Trade:SPOT "}, "read,trade:spot"},
		{"trade is every trade scope on offer", []string{"trade"}, "read,trade:spot,trade:futures"},
		{"a scope that is not on offer is still a scope", []string{"withdraw"}, "read,withdraw"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := exchanges.ParseScopes(test.words, offered)
			require.NoError(t, err)
			require.Equal(t, test.want, got.String())
		})
	}
	for _, word := range []string{"", "reed", "trade:", "trade:nft", "*"} {
		_, err := exchanges.ParseScopes([]string{"read", word}, offered)
		require.ErrorContains(t, err, "is not a scope")
		require.ErrorContains(t, err, "trade:options", "the error must list the scopes")
	}
}

func TestIsTrade(t *testing.T) {
	for _, scope := range exchanges.AllScopes() {
		trades := []exchanges.Scope{exchanges.ScopeSpot, exchanges.ScopeMargin, exchanges.ScopeFutures, exchanges.ScopeOptions}
		require.Equal(t, slices.Contains(trades, scope), scope.IsTrade(), scope)
	}
}

func TestRisk(t *testing.T) {
	for _, test := range []struct {
		scopes exchanges.Scopes
		want   exchanges.Risk
	}{
		{nil, exchanges.RiskMinimal},
		{exchanges.NewScopes(exchanges.ScopeRead), exchanges.RiskMinimal},
		{exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot), exchanges.RiskModerate},
		{exchanges.NewScopes(exchanges.ScopeOptions), exchanges.RiskModerate},
		{exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeTransfer), exchanges.RiskCritical},
		{exchanges.NewScopes(exchanges.ScopeWithdraw), exchanges.RiskCritical},
		{exchanges.Scopes{"no such scope"}, exchanges.RiskCritical},
	} {
		require.Equal(t, test.want, test.scopes.Risk(), "%s", test.scopes)
	}
}

// The operations on sets obey the laws of sets.
func TestScopesAreSets(t *testing.T) {
	sets := rapid.Map(rapid.SliceOf(rapid.SampledFrom(exchanges.AllScopes())), func(scopes []exchanges.Scope) exchanges.Scopes {
		return exchanges.NewScopes(scopes...)
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := sets.Draw(t, "a"), sets.Draw(t, "b")
		require.Equal(t, exchanges.NewScopes(a...), a, "a set is in canonical order, without repeats")
		require.Equal(t, a.Union(b), b.Union(a))
		require.True(t, a.Within(a.Union(b)))
		require.Empty(t, a.Without(a))
		require.Equal(t, a.Union(b), a.Without(b).Union(b))
		require.Equal(t, len(a.Without(b)) == 0, a.Within(b))
		for _, scope := range exchanges.AllScopes() {
			require.Equal(t, a.Has(scope) || b.Has(scope), a.Union(b).Has(scope))
			require.Equal(t, a.Has(scope) && !b.Has(scope), a.Without(b).Has(scope))
		}
	})
}

func TestScopeNamedBy(t *testing.T) {
	for _, test := range []struct {
		scope exchanges.Scope
		words []string
		want  bool
	}{
		{exchanges.ScopeRead, []string{"trade", "read"}, true},
		{exchanges.ScopeSpot, []string{"trade:spot"}, true},
		{exchanges.ScopeSpot, []string{"read", "trade"}, true},
		{exchanges.ScopeSpot, []string{"Trade"}, true},
		{exchanges.ScopeSpot, []string{"trade:futures", "trade:"}, false},
		{exchanges.ScopeTransfer, []string{"read", "trade"}, false},
		{exchanges.ScopeRead, nil, false},
	} {
		require.Equal(t, test.want, test.scope.NamedBy(test.words), "%s in %v", test.scope, test.words)
	}
}

// FuzzParseScopes checks that whatever is accepted is canonical and includes read.
func FuzzParseScopes(f *testing.F) {
	for _, seed := range []string{"read", "trade", "trade:spot,transfer", " READ , withdraw", "", "trade:", "read\x00", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, words string) {
		offered := exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot, exchanges.ScopeFutures)
		scopes, err := exchanges.ParseScopes(strings.Split(words, ","), offered)
		if err != nil {
			return
		}
		require.True(t, scopes.Has(exchanges.ScopeRead))
		again, err := exchanges.ParseScopes(scopes.Strings(), offered)
		require.NoError(t, err)
		require.Equal(t, scopes, again)
	})
}
