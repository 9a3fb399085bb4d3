package exchangetest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// exactSet finds the set of scopes that a refusal tells the user to ask for.
var exactSet = regexp.MustCompile(`ask for exactly scopes=(\S+)$`)

func (s *suite) testGrants(t *testing.T) {
	v := s.variant
	assertUnique(t, v.Permissions, func(p exchanges.Permission) string { return p.Name })
	for _, p := range v.Permissions {
		assert.NotEmpty(t, p.Name)
		assert.Equal(t, exchanges.NewScopes(p.Scopes...), p.Scopes, "%s: scopes in canonical order", p.Name)
		for _, needed := range p.Needs {
			assert.True(t, slices.ContainsFunc(v.Permissions, func(o exchanges.Permission) bool { return o.Name == needed }),
				"%s needs %s, which is not in the vocabulary", p.Name, needed)
		}
	}
	offered := v.Offered()
	require.True(t, offered.Has(exchanges.ScopeRead), "every key can read")
	for _, scope := range exchanges.AllScopes() {
		if offered.Has(scope) {
			continue
		}
		_, err := v.Grant(exchanges.NewScopes(exchanges.ScopeRead, scope), nil)
		assert.ErrorContains(t, err, string(scope))
	}
	for subset := range 1 << len(offered) {
		wanted := exchanges.NewScopes(exchanges.ScopeRead)
		for i, scope := range offered {
			if subset&(1<<i) != 0 {
				wanted = wanted.Union(exchanges.Scopes{scope})
			}
		}
		grant := s.grant(t, wanted)
		assert.NoError(t, v.CheckGrant(grant, grant.Permissions))
		assert.Error(t, v.CheckGrant(grant, append(slices.Clone(grant.Permissions), "no-such-permission")))
		assert.Error(t, v.CheckGrant(grant, nil))
	}
}

// grants returns what a role can be given: each offered scope by itself, or
// together with those that the exchange cannot separate from it, and all of them
// together.
func (s *suite) grants(t *testing.T) []exchanges.Grant {
	offered := s.variant.Offered()
	wishes := []exchanges.Scopes{offered}
	for _, scope := range offered {
		wishes = append(wishes, exchanges.NewScopes(exchanges.ScopeRead, scope))
	}
	var grants []exchanges.Grant
	for _, wanted := range wishes {
		grant := s.grant(t, wanted)
		if !slices.ContainsFunc(grants, func(g exchanges.Grant) bool { return slices.Equal(g.Permissions, grant.Permissions) }) {
			grants = append(grants, grant)
		}
	}
	return grants
}

// grant returns the grant for the scopes, after following the advice of a refusal.
func (s *suite) grant(t *testing.T, wanted exchanges.Scopes) exchanges.Grant {
	grant, err := s.variant.Grant(wanted, nil)
	if err != nil {
		advice := exactSet.FindStringSubmatch(err.Error())
		require.NotNil(t, advice, "the refusal must name the exact set to ask for: %v", err)
		exact, parseErr := exchanges.ParseScopes(strings.Split(advice[1], ","), s.variant.Offered())
		require.NoError(t, parseErr)
		require.True(t, wanted.Within(exact), "the advice %s leaves out what was wanted: %s", exact, wanted)
		wanted = exact
		grant, err = s.variant.Grant(wanted, nil)
		require.NoError(t, err, "the advised set must be accepted")
	}
	require.Equal(t, wanted, grant.Scopes, "a grant must not be wider than what was asked for")
	require.NotEmpty(t, grant.Permissions)
	return grant
}

// readGrant is the narrowest grant.
func (s *suite) readGrant(t *testing.T) exchanges.Grant {
	return s.grant(t, exchanges.NewScopes(exchanges.ScopeRead))
}
