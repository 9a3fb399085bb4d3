package exchangetest

import (
	"cmp"
	"net/url"
	"regexp"
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
