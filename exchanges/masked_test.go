package exchanges_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestMayBe(t *testing.T) {
	for _, test := range []struct {
		shown string
		want  bool
	}{
		{"abcdefgh", true}, {"abcdefg", false}, {"", false},
		{"abc***gh", true}, {"abc*", true}, {"*gh", true}, {"***", true}, {"a**d**h", true},
		{"abd***gh", false}, {"abc***hh", false}, {"*g", false}, {"abcdef***defgh", false},
	} {
		assert.Equal(t, test.want, exchanges.KeyInfo{ID: test.shown}.MayBe("abcdefgh"), test.shown)
	}
}

func TestSameAddresses(t *testing.T) {
	for _, test := range []struct {
		asked, shown string
		want         bool
	}{
		{"", "", true},
		{"1.1.1.1", "", false},
		{"", "1.1.1.1", false},
		{"2.2.2.2 1.1.1.1", "1.1.1.1 2.2.2.2/32", true},
		{"2.2.2.2 1.1.1.1", "1.1.1.1 1.1.1.1", false},
		{"2.2.2.2 1.1.1.1", "2.2.2.2 1.1.1.1 3.3.3.3", false},
		{"10.0.0.0/24", "10.0.0.9/24", true},
		{"10.0.0.0/24", "10.0.0.0/23", false},
		{"10.0.0.0/24", "10.0.0.0", false},
		{"2001:db8::7", "2001:0DB8:0:0:0:0:0:7", true},
		{"1.1.1.1", "anywhere", false},

		{"10.0.0.1", "10.**.1", true},
		{"10.0.0.1", "10.*.*.1", true},
		{"10.0.0.1", "10.0.0.*", true},
		{"10.0.0.1", "**.1", true},
		{"10.0.0.1", "10.**.1/32", true},
		{"10.0.0.1", "10.**.2", false},
		{"10.0.0.1", "11.**.1", false},
		{"110.0.0.1", "10.**.1", false},
		{"10.0.0.11", "10.**.1", false},
		{"10.0.0.1", "10.0.0.1*", false},
		{"10.0.0.1", "10.*.*.*.1", false},
		{"10.0.0.1", "10.*0.*1", false},
		{"10.20.0.31", "10.*0.*1", true},
		{"10.0.0.1", "10.**.1/24", false},
		{"10.0.0.1", "10.**.1/*", false},
		{"10.0.0.0/24", "10.**.0/24", true},
		{"10.0.0.0/24", "10.**.0/16", false},
		{"10.0.0.0/24", "10.**/24", true},
		{"10.0.0.0/24", "10.**4", false},
		{"10.0.0.0/24", "10.**", false},
		{"2001:db8::7", "2001:db8::*", true},
		{"2001:db8::7", "2001:0DB8:**:0007", true},
		{"2001:db8::7", "2001:db8:**:7", true},
		{"2001:db8::7", "2001:db9:**:7", false},
		{"2001:db8::/32", "2001:**::/32", true},

		// These may just as well mean any address.
		{"10.0.0.1", "*", false},
		{"10.0.0.1", "**.**.**.**", false},
		{"10.0.0.0/24", "*/24", false},
		{"2001:db8::7", "*:*", false},

		// Each stands for one address, and has to be given the right one.
		{"10.0.0.1 10.0.1.1", "10.**.1 10.**.1", true},
		{"10.0.0.1 10.0.0.2", "10.**.1 10.**.1", false},
		{"10.0.0.1 10.0.0.2", "10.** 10.**.1", true},
		{"10.0.0.1 10.0.0.2 10.0.0.3", "10.** 10.0.** 10.0.0.1", true},
		{"10.0.0.1 10.0.0.2 10.0.0.3", "10.** 10.**.1 10.0.0.1", false},
		{"10.0.0.1 10.0.0.2", "10.0.0.1 10.**.1", false},
	} {
		assert.Equal(t, test.want, exchanges.SameAddresses(strings.Fields(test.shown), strings.Fields(test.asked)), "%s for %s", test.shown, test.asked)
	}
}

func TestSettleMasked(t *testing.T) {
	ref := exchanges.KeyRef{SubAccount: "desk", ID: "abcdefgh", Label: "vlt-1", Age: time.Hour}
	refused := &exchanges.Error{Kind: exchanges.ErrInvalid, Message: "no such key"}
	down := &exchanges.Error{Kind: exchanges.ErrUnavailable}
	noSubAccount := &exchanges.Error{Kind: exchanges.ErrNotFound}
	for _, test := range []struct {
		name            string
		deleted, listed error
		shown           []string
		want            error
	}{
		{"gone", nil, nil, nil, nil},
		{"gone before", refused, nil, nil, nil},
		{"gone, others are there", nil, nil, []string{"abcdefgx", "abc***gx"}, nil},
		{"gone with its sub-account", refused, noSubAccount, nil, nil},
		{"still there", nil, nil, []string{"abcdefgh"}, exchanges.ErrUnavailable},
		{"still there, masked", nil, nil, []string{"abc***gh"}, exchanges.ErrUnavailable},
		{"refused and still there, masked", refused, nil, []string{"abc***gh"}, refused},
		{"still there, shown in an unknown way", refused, nil, []string{"vlt-1"}, refused},
		{"nobody can tell", nil, down, nil, down},
		{"not asked, since the call did not run", down, errors.New("asked"), nil, down},
	} {
		t.Run(test.name, func(t *testing.T) {
			check := func(asked exchanges.KeyRef) ([]exchanges.KeyInfo, error) {
				assert.Equal(t, ref, asked, "the query is for the one key")
				var keys []exchanges.KeyInfo
				for _, shown := range test.shown {
					// A label stands for a key of which nothing else is readable.
					keys = append(keys, exchanges.KeyInfo{ID: shown, Label: shown, Masked: exchanges.IsMasked(shown)})
				}
				return keys, test.listed
			}
			account := &checking{deleting: &deleting{answer: test.deleted}, check: check}
			require.ErrorIs(t, exchanges.SettleOne(t.Context(), account, exchanges.Variant{MaskedIDs: true}, ref), test.want)
		})
	}
}

// A key known only by its mask names no key, so nothing is asked.
func TestMaskedIDIsNotDeleted(t *testing.T) {
	account := &deleting{}
	err := exchanges.SettleOne(t.Context(), account, exchanges.Variant{MaskedIDs: true}, exchanges.KeyRef{ID: "abc***gh"})
	require.ErrorIs(t, err, exchanges.ErrUnsupported)
	require.ErrorContains(t, err, "abc***gh")
	require.ErrorContains(t, err, "website")
	require.Empty(t, account.deleted)
}

// Where keys are listed whole, another key with the same label is a different key.
func TestLabelOfAnotherKey(t *testing.T) {
	named := exchanges.KeyRef{SubAccount: "desk", ID: "key", Label: "vlt-1"}
	account := &deleting{list: listing([]exchanges.KeyInfo{{ID: "other", Label: "vlt-1"}}, nil)}
	require.NoError(t, exchanges.SettleOne(t.Context(), account, exchanges.Variant{}, named))
}
