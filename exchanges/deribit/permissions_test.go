package deribit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestEncodeAndDecode(t *testing.T) {
	for _, test := range []struct {
		names    []string
		maxScope string
		answered string
	}{
		{[]string{"trade:read", "wallet:read"}, "trade:read wallet:read", "wallet:read trade:read account:none"},
		{[]string{"trade:read_write", "wallet:read"}, "trade:read_write wallet:read", "wallet:read trade:read_write"},
		{
			[]string{"account:read", "block_trade:read_write", "trade:read", "wallet:read_write"},
			"account:read block_trade:read_write trade:read wallet:read_write",
			"wallet:read_write block_trade:read_write trade:read account:read",
		},
		{[]string{}, "", noScope},
	} {
		assert.Equal(t, test.maxScope, encode(test.names))
		assert.Equal(t, test.names, decode(test.answered), "the order of an answer means nothing")
	}
	assert.Equal(t, []string{"custody:read"}, decode("custody:read"), "an unknown element shows as a surplus")
}

// Deribit has one scope for all trading, and none for margin or for withdrawals of
// sub-accounts.
func TestGrants(t *testing.T) {
	for _, v := range New().Describe().Variants {
		assert.Equal(t, "read,trade:spot,trade:futures,trade:options,transfer", v.Offered().String())
		_, err := v.Grant(exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot), nil)
		require.ErrorContains(t, err, "ask for exactly scopes=read,trade:spot,trade:futures,trade:options")

		trade, err := exchanges.ParseScopes([]string{"trade"}, v.Offered())
		require.NoError(t, err)
		grant, err := v.Grant(trade, nil)
		require.NoError(t, err)
		assert.Equal(t, exchanges.Grant{
			Permissions: []string{"trade:read_write", "wallet:read"}, Scopes: trade, Risk: exchanges.RiskModerate,
		}, grant)

		// Balances need a permission by name, which gives the scope read as well.
		grant, err = v.Grant(trade, []string{accountRead})
		require.NoError(t, err)
		assert.Equal(t, []string{accountRead, "trade:read_write"}, grant.Permissions)
		require.NoError(t, v.CheckGrant(grant, decode("trade:read_write account:read wallet:none")))

		grant, err = v.Grant(exchanges.NewScopes(exchanges.ScopeRead), []string{accountRead})
		require.NoError(t, err)
		assert.Equal(t, exchanges.RiskCritical, grant.Risk, "such a key may read the secrets of others")
		for _, never := range []string{accountReadWrite, mainAccount} {
			_, err := v.Grant(exchanges.NewScopes(exchanges.ScopeRead), []string{never})
			require.ErrorContains(t, err, "is not known")
			require.Error(t, v.CheckGrant(grant, append(grant.Permissions, never)))
		}
	}
}
