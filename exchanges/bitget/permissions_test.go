package bitget

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func variant(t *testing.T, name string) exchanges.Variant {
	v, err := New().Describe().Variant(name)
	require.NoError(t, err)
	return v
}

// Each variant grants what it can and names what it cannot separate.
func TestGrants(t *testing.T) {
	for _, test := range []struct {
		variant, words string
		want           []string
		refusal        string
	}{
		{variantUnified, "read", []string{readOnly}, ""},
		{variantUnified, "trade", []string{trade}, ""},
		{variantUnified, "trade:spot", nil, "ask for exactly scopes=read,trade:spot,trade:margin,trade:futures"},
		{variantUnified, "transfer", nil, "transfer is not offered"},
		{variantUnified, "withdraw", nil, "withdraw is not offered"},
		{variantClassic, "trade:spot", []string{"read", "spot_trade"}, ""},
		{variantClassic, "transfer", []string{"read", "transfer"}, ""},
		{variantBroker, "read", []string{readOnly}, ""},
		{variantBroker, "trade:futures", []string{"contract_order", "contract_position"}, ""},
	} {
		v := variant(t, test.variant)
		wanted, err := exchanges.ParseScopes([]string{test.words}, v.Offered())
		require.NoError(t, err)
		grant, err := v.Grant(wanted, nil)
		if test.refusal != "" {
			require.ErrorContains(t, err, test.refusal)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, test.want, grant.Permissions)
	}
}

// Account management is granted only by name, since its reach is not known.
func TestManagementByName(t *testing.T) {
	v := variant(t, variantUnified)
	wanted, err := exchanges.ParseScopes([]string{"trade"}, v.Offered())
	require.NoError(t, err)
	grant, err := v.Grant(wanted, []string{management})
	require.NoError(t, err)
	require.Equal(t, []string{management, trade}, grant.Permissions)
	require.Equal(t, exchanges.RiskCritical, grant.Risk)
	require.True(t, grant.Scopes.Has(exchanges.ScopeTransfer))
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		keyType string
		list    []string
		want    []string
	}{
		{"read_only", []string{"uta_trade", "uta_mgt"}, []string{readOnly}},
		{"readonly", []string{"uta_mgt", "uta_trade"}, []string{readOnly}},
		{"read_only", []string{"uta_trade", "withdraw", "uta_mgt"}, []string{readOnly, "withdraw"}},
		{"read_only", []string{"uta_trade"}, []string{"uta_trade"}},
		{"read_write", []string{"uta_trade", "uta_mgt"}, []string{"uta_mgt", "uta_trade"}},
		{"", []string{"uta_trade"}, []string{"uta_trade"}},
		{"read_only", []string{}, nil},
		{"read_write", nil, nil},
	} {
		require.Equal(t, test.want, decode(test.keyType, test.list, unifiedReading()), "%s %v", test.keyType, test.list)
	}
}
