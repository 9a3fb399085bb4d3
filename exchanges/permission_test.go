package exchanges_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

const (
	read     = exchanges.ScopeRead
	spot     = exchanges.ScopeSpot
	margin   = exchanges.ScopeMargin
	futures  = exchanges.ScopeFutures
	transfer = exchanges.ScopeTransfer
)

// fine is an exchange with one permission per product, and with everything that
// makes permissions special.
func fine() exchanges.Variant {
	return exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "reader", Scopes: exchanges.NewScopes(read)},
		{Name: "spot", Scopes: exchanges.NewScopes(read, spot)},
		{Name: "margin", Scopes: exchanges.NewScopes(read, margin), Needs: []string{"spot"}},
		{Name: "orders", Scopes: exchanges.NewScopes(read, futures)},
		{Name: "positions", Scopes: exchanges.NewScopes(read, futures)},
		{Name: "transfer", Scopes: exchanges.NewScopes(read, transfer)},
		{Name: "to-master", Scopes: exchanges.NewScopes(read, transfer), ByName: true},
		{Name: "convert", Scopes: exchanges.NewScopes(read), Beyond: true},
		{Name: "derivatives", Scopes: exchanges.NewScopes(read, futures), Automatic: true},
	}}
}

// coarse is an exchange whose only trade permission also moves funds.
func coarse() exchanges.Variant {
	return exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "read_only", Scopes: exchanges.NewScopes(read)},
		{Name: "trade", Scopes: exchanges.NewScopes(read, spot, futures, transfer)},
	}}
}

func TestOffered(t *testing.T) {
	require.Equal(t, "read,trade:spot,trade:margin,trade:futures,transfer", fine().Offered().String())
	require.Equal(t, "read,trade:spot,trade:futures,transfer", coarse().Offered().String())
	require.Empty(t, exchanges.Variant{}.Offered())
}

func TestInseparable(t *testing.T) {
	require.Empty(t, fine().Inseparable(), "a permission that also reads is not inseparable")
	require.Equal(t, map[string][]string{"trade": {"read", "trade:spot", "trade:futures", "transfer"}}, coarse().Inseparable())
}

func TestOnlyByName(t *testing.T) {
	require.Equal(t, []string{"to-master", "convert"}, fine().OnlyByName([]string{"convert", "spot", "to-master", "derivatives", "no such"}))
	require.Empty(t, fine().OnlyByName([]string{"spot"}))
}

func TestGrant(t *testing.T) {
	for _, test := range []struct {
		name    string
		variant exchanges.Variant
		wanted  exchanges.Scopes
		native  []string
		want    exchanges.Grant
	}{
		{
			"read alone", fine(), exchanges.NewScopes(read), nil,
			exchanges.Grant{Permissions: []string{"reader"}, Scopes: exchanges.NewScopes(read), Risk: exchanges.RiskMinimal},
		},
		{
			"read that comes along needs no permission of its own", fine(), exchanges.NewScopes(read, spot), nil,
			exchanges.Grant{Permissions: []string{"spot"}, Scopes: exchanges.NewScopes(read, spot), Risk: exchanges.RiskModerate},
		},
		{
			"every permission of a scope", fine(), exchanges.NewScopes(read, futures), nil,
			exchanges.Grant{Permissions: []string{"orders", "positions"}, Scopes: exchanges.NewScopes(read, futures), Risk: exchanges.RiskModerate},
		},
		{
			"a permission that needs another brings it along", fine(), exchanges.NewScopes(read, spot, margin), nil,
			exchanges.Grant{Permissions: []string{"margin", "spot"}, Scopes: exchanges.NewScopes(read, spot, margin), Risk: exchanges.RiskModerate},
		},
		{
			"transfer is critical", fine(), exchanges.NewScopes(read, transfer), nil,
			exchanges.Grant{Permissions: []string{"transfer"}, Scopes: exchanges.NewScopes(read, transfer), Risk: exchanges.RiskCritical},
		},
		{
			"by name only", fine(), exchanges.NewScopes(read), []string{"to-master"},
			exchanges.Grant{Permissions: []string{"to-master"}, Scopes: exchanges.NewScopes(read, transfer), Risk: exchanges.RiskCritical},
		},
		{
			"beyond the scopes is critical", fine(), exchanges.NewScopes(read, spot), []string{"convert"},
			exchanges.Grant{Permissions: []string{"convert", "spot"}, Scopes: exchanges.NewScopes(read, spot), Risk: exchanges.RiskCritical},
		},
		{
			"inseparable scopes together", coarse(), exchanges.NewScopes(read, spot, futures, transfer), nil,
			exchanges.Grant{Permissions: []string{"trade"}, Scopes: exchanges.NewScopes(read, spot, futures, transfer), Risk: exchanges.RiskCritical},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.variant.Grant(test.wanted, test.native)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.NoError(t, test.variant.CheckGrant(got, got.Permissions))
		})
	}
}

func TestGrantRefused(t *testing.T) {
	for _, test := range []struct {
		name    string
		variant exchanges.Variant
		wanted  exchanges.Scopes
		native  []string
		says    []string
	}{
		{
			"not offered", coarse(), exchanges.NewScopes(read, margin, exchanges.ScopeWithdraw), nil,
			[]string{"trade:margin,withdraw is not offered", "read,trade:spot,trade:futures,transfer"},
		},
		{
			"one of an inseparable set", coarse(), exchanges.NewScopes(read, spot), nil,
			[]string{`trade:spot cannot be granted alone`, `"trade" also carries trade:futures,transfer`, "ask for exactly scopes=read,trade:spot,trade:futures,transfer"},
		},
		{
			"useless without another", fine(), exchanges.NewScopes(read, margin), nil,
			[]string{"is useless without read,trade:spot", "ask for exactly scopes=read,trade:spot,trade:margin"},
		},
		{
			"unknown native permission", fine(), exchanges.NewScopes(read), []string{"everything"},
			[]string{`native_permissions: "everything" is not known`, "reader, spot, margin, orders, positions, transfer, to-master, convert"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.variant.Grant(test.wanted, test.native)
			for _, text := range test.says {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), "derivatives", "an automatic permission cannot be requested")
		})
	}
}

func TestGrantBrokenVocabulary(t *testing.T) {
	variant := exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "reader", Scopes: exchanges.NewScopes(read), Needs: []string{"no such"}},
	}}
	_, err := variant.Grant(exchanges.NewScopes(read), nil)
	require.ErrorContains(t, err, `"no such" is not known`)
}

func TestCheckGrant(t *testing.T) {
	for _, test := range []struct {
		name    string
		variant exchanges.Variant
		wanted  exchanges.Scopes
		given   []string
		says    string
	}{
		{"what was asked for", fine(), exchanges.NewScopes(read, spot), []string{"spot"}, ""},
		{"in another order", fine(), exchanges.NewScopes(read, futures), []string{"positions", "orders"}, ""},
		{"automatic, within the scopes", fine(), exchanges.NewScopes(read, futures), []string{"orders", "positions", "derivatives"}, ""},
		{"automatic, beyond the scopes", fine(), exchanges.NewScopes(read, spot), []string{"spot", "derivatives"}, "more than was asked for: derivatives"},
		{"surplus that can be named", fine(), exchanges.NewScopes(read, spot), []string{"spot", "convert"}, "if it always does, a role that accepts this can name it: native_permissions=convert"},
		{"surplus", fine(), exchanges.NewScopes(read, spot), []string{"spot", "transfer", "convert"}, "more than was asked for: transfer, convert"},
		{"surplus within the scopes", fine(), exchanges.NewScopes(read, transfer), []string{"transfer", "to-master"}, "more than was asked for: to-master"},
		{"unknown surplus", fine(), exchanges.NewScopes(read, spot), []string{"spot", "nft"}, "more than was asked for: nft"},
		{"lack", fine(), exchanges.NewScopes(read, futures), []string{"orders"}, "did not grant what was asked for: positions"},
		{"nothing", fine(), exchanges.NewScopes(read), nil, "did not grant what was asked for: reader"},
		{"surplus takes precedence over lack", fine(), exchanges.NewScopes(read, spot), []string{"transfer"}, "more than was asked for: transfer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked, err := test.variant.Grant(test.wanted, nil)
			require.NoError(t, err)
			err = test.variant.CheckGrant(asked, test.given)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.says)
		})
	}
}

// A permission that includes another is requested alone.
func TestGrantImplies(t *testing.T) {
	flagged := exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "account:read", Scopes: exchanges.NewScopes(read)},
		{Name: "spot:read", Scopes: exchanges.NewScopes(read)},
		{Name: "spot:write", Scopes: exchanges.NewScopes(spot), Implies: []string{"spot:read"}},
	}}
	grant, err := flagged.Grant(exchanges.NewScopes(read, spot), nil)
	require.NoError(t, err)
	require.Equal(t, exchanges.Grant{
		Permissions: []string{"account:read", "spot:write"}, Scopes: exchanges.NewScopes(read, spot), Risk: exchanges.RiskModerate,
	}, grant)
	require.NoError(t, flagged.CheckGrant(grant, []string{"account:read", "spot:write"}))
	require.Error(t, flagged.CheckGrant(grant, []string{"account:read", "spot:read"}))
}

// Where one switch applies to a whole key, all its permissions have the same mode.
func TestGrantMode(t *testing.T) {
	switched := exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "orders:read", Scopes: exchanges.NewScopes(read), Mode: "read"},
		{Name: "account:read", Scopes: exchanges.NewScopes(read), Mode: "read", ByName: true},
		{Name: "orders:write", Scopes: exchanges.NewScopes(read, spot), Mode: "write"},
	}}
	for _, test := range []struct {
		wanted exchanges.Scopes
		native []string
		given  []string
	}{
		{exchanges.NewScopes(read), nil, []string{"orders:read"}},
		{exchanges.NewScopes(read, spot), nil, []string{"orders:write"}},
		{exchanges.NewScopes(read), []string{"account:read"}, []string{"account:read"}},
	} {
		grant, err := switched.Grant(test.wanted, test.native)
		require.NoError(t, err)
		require.Equal(t, test.given, grant.Permissions)
	}
	_, err := switched.Grant(exchanges.NewScopes(read, spot), []string{"account:read"})
	require.EqualError(t, err, `native_permissions: a key cannot hold both "account:read" (read) and "orders:write" (write); give them to two roles`)
}
