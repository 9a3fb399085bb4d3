package mexc

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

// What roles are given, in MEXC's words as they are sent.
func TestGrants(t *testing.T) {
	variant := New().Describe().Variants[0]
	for _, test := range []struct {
		scopes, native []string
		want           string
		risk           exchanges.Risk
	}{
		{[]string{"read"}, nil, "SPOT_ACCOUNT_READ,SPOT_DEAL_READ", exchanges.RiskMinimal},
		{[]string{"trade:spot"}, nil, "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE", exchanges.RiskModerate},
		{
			[]string{"trade:futures"}, nil,
			"CONTRACT_ACCOUNT_READ,CONTRACT_ACCOUNT_WRITE,CONTRACT_DEAL_READ,CONTRACT_DEAL_WRITE,SPOT_ACCOUNT_READ,SPOT_DEAL_READ",
			exchanges.RiskModerate,
		},
		{[]string{"transfer"}, nil, "SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_TRANSFER_READ,SPOT_TRANSFER_WRITE", exchanges.RiskCritical},
		{[]string{"read"}, []string{"SPOT_TRANSFER_READ"}, "SPOT_TRANSFER_READ", exchanges.RiskMinimal},
		{
			[]string{"read"}, []string{"CONTRACT_ACCOUNT_READ", "CONTRACT_DEAL_READ", "SPOT_ACCOUNT_READ"},
			"CONTRACT_ACCOUNT_READ,CONTRACT_DEAL_READ,SPOT_ACCOUNT_READ", exchanges.RiskMinimal,
		},
	} {
		scopes, err := exchanges.ParseScopes(test.scopes, variant.Offered())
		require.NoError(t, err)
		grant, err := variant.Grant(scopes, test.native)
		require.NoError(t, err)
		require.Equal(t, test.want, encode(grant.Permissions), "%v %v", test.scopes, test.native)
		require.Equal(t, test.risk, grant.Risk)
	}
	for _, scope := range []exchanges.Scope{exchanges.ScopeMargin, exchanges.ScopeOptions, exchanges.ScopeWithdraw} {
		_, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, scope), nil)
		require.ErrorContains(t, err, "is not offered")
	}
	_, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), []string{"SPOT_ACCOUNT_WRITE"})
	require.ErrorContains(t, err, "not known", "what it does on a sub-account's key is not documented")
}

func TestDecode(t *testing.T) {
	for _, test := range []struct{ words, want []string }{
		{nil, nil},
		{[]string{}, []string{}},
		{[]string{"SPOT_DEAL_WRITE", "SPOT_DEAL_READ", "SPOT_ACCOUNT_READ"}, []string{"SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE"}},
		{[]string{"SPOT_DEAL_WRITE"}, []string{"SPOT_DEAL_WRITE"}},
		{[]string{"SPOT_WITHDRAW_WRITE", "SPOT_DEAL_READ"}, []string{"SPOT_DEAL_READ", "SPOT_WITHDRAW_WRITE"}},
		{[]string{"something new"}, []string{"something new"}},
	} {
		asked := slices.Clone(test.words)
		require.Equal(t, test.want, decode(test.words))
		require.Equal(t, asked, test.words, "the caller's list must stay unchanged")
	}
}

// A key that MEXC makes as requested shows what was asked for; one with a word more
// or less does not.
func TestDecodeReversesEncode(t *testing.T) {
	variant := New().Describe().Variants[0]
	scopes := rapid.SliceOf(rapid.SampledFrom(variant.Offered()))
	rapid.Check(t, func(t *rapid.T) {
		wanted := exchanges.NewScopes(append(scopes.Draw(t, "scopes"), exchanges.ScopeRead)...)
		grant, err := variant.Grant(wanted, nil)
		require.NoError(t, err, "all of MEXC's permissions can be separated")
		require.Equal(t, wanted, grant.Scopes)
		words := strings.Split(encode(grant.Permissions), ",")
		require.Equal(t, grant.Permissions, decode(words))

		for _, p := range variant.Permissions {
			if !slices.Contains(words, p.Name) {
				require.Error(t, variant.CheckGrant(grant, decode(append(slices.Clone(words), p.Name))), p.Name)
			}
		}
		for i, word := range words {
			if strings.HasSuffix(word, writeSuffix) {
				require.Error(t, variant.CheckGrant(grant, decode(slices.Delete(slices.Clone(words), i, i+1))), word)
			}
		}
	})
}

// What an answer leaves out of what was requested does not make a surplus of the rest.
func TestUnsurprising(t *testing.T) {
	requested := []string{"SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE"}
	for shown, want := range map[string][]string{
		"SPOT_ACCOUNT_READ,SPOT_DEAL_READ,SPOT_DEAL_WRITE":     requested,
		"SPOT_ACCOUNT_READ,SPOT_DEAL_READ":                     {"SPOT_ACCOUNT_READ"},
		"SPOT_DEAL_READ":                                       {},
		"SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE,SPOT_TRANSFER_READ": {"SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE", "SPOT_TRANSFER_READ"},
		"SPOT_ACCOUNT_READ,SPOT_DEAL_READ,CONTRACT_DEAL_WRITE": {"CONTRACT_DEAL_WRITE", "SPOT_ACCOUNT_READ"},
		"SPOT_ACCOUNT_WRITE,SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE": {"SPOT_ACCOUNT_WRITE", "SPOT_DEAL_WRITE"},
	} {
		require.Equal(t, want, unsurprising(decode(strings.Split(shown, ",")), requested), shown)
	}
	require.Nil(t, unsurprising(decode(nil), requested))
}
