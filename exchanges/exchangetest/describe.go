package exchangetest

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// word is the form of names in a connection's fields.
var word = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// connectionFields are the fields of a connection that hold a credential.
func connectionFields() []string {
	return []string{"api_key", "api_secret", "passphrase", "private_key", "totp_secret", "broker"}
}

func (s *suite) testDescribe(t *testing.T) {
	d := s.description
	assert.Regexp(t, word, d.Name)
	assert.NotEmpty(t, d.DisplayName)
	assertHTTPS(t, d.Documentation)
	assert.Equal(t, d, s.Exchange.Describe(), "the description must be constant")

	require.NotEmpty(t, d.Environments)
	assertUnique(t, d.Environments, func(e exchanges.Environment) string { return e.Name })
	for _, e := range d.Environments {
		assert.Regexp(t, word, e.Name)
		assertHTTPS(t, e.BaseURL)
		assertHTTPS(t, cmp.Or(e.KeyBaseURL, e.BaseURL))
	}
	require.NotEmpty(t, d.Credentials)
	assertUnique(t, d.Credentials, func(f exchanges.CredentialForm) string { return f.Name })
	for _, form := range d.Credentials {
		assert.NotEmpty(t, form.Fields, form.Name)
		assert.Subset(t, connectionFields(), form.Fields, form.Name)
	}
	assertUnique(t, d.Variants, func(v exchanges.Variant) string { return v.Name })
	if len(d.Variants) > 1 {
		for _, v := range d.Variants {
			assert.Regexp(t, word, v.Name, "one list proves that all are gone")
		}
	}

	v := s.variant
	assert.NotEmpty(t, v.Summary)
	assert.NotEmpty(t, v.SubAccountNaming)
	require.NotEmpty(t, v.KeyTypes)
	assertUnique(t, v.KeyTypes, func(k exchanges.KeyType) string { return string(k) })
	assert.Subset(t, []exchanges.KeyType{exchanges.KeyHMAC, exchanges.KeyBearer, exchanges.KeyEd25519, exchanges.KeyRSA, exchanges.KeySecp256k1}, v.KeyTypes)
	assert.GreaterOrEqual(t, v.KeysPerSubAccount, 0)
	if v.Addresses.None {
		assert.Equal(t, exchanges.AddressRule{None: true, Note: v.Addresses.Note}, v.Addresses)
	}
	if v.Passphrase != nil {
		assert.GreaterOrEqual(t, v.Passphrase.Length, 8)
	}
	if v.NativeExpiry != nil {
		assert.Positive(t, v.NativeExpiry.Granularity)
	}
	assert.GreaterOrEqual(t, v.ListingDelay, time.Duration(0))
	switch {
	case v.Unlisted != "":
		require.NotNil(t, v.NativeExpiry, "a key that cannot be found must expire by itself")
		assert.Positive(t, v.NativeExpiry.Max)
		assert.Zero(t, v.Label, "a label is useless where no key is listed")
	case v.Label.MaxLength == 0:
		assert.True(t, v.KeyTypes[0].Asymmetric(),
			"a key that cannot be found by its label must be inert without its user's private key")
	}

	require.NotEmpty(t, v.RateLimits)
	assertUnique(t, v.RateLimits, func(r exchanges.RateLimit) string { return string(r.Operation) })
	for _, r := range v.RateLimits {
		assert.NotEmpty(t, r.Operation)
		assert.Positive(t, r.Requests, r.Operation)
		assert.Positive(t, r.Per, r.Operation)
	}
}

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

// exactSet finds the set of scopes that a refusal tells the user to ask for.
var exactSet = regexp.MustCompile(`ask for exactly scopes=(\S+)$`)

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

func assertHTTPS(t *testing.T, address string) {
	parsed, err := url.Parse(address)
	if assert.NoError(t, err) {
		assert.Equal(t, "https", parsed.Scheme, address)
		assert.NotEmpty(t, parsed.Host, address)
	}
}

func assertUnique[T any](t *testing.T, items []T, nameOf func(T) string) {
	seen := map[string]bool{}
	for _, item := range items {
		assert.False(t, seen[nameOf(item)], "%q appears twice", nameOf(item))
		seen[nameOf(item)] = true
	}
}
