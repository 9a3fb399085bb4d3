package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/bybit"
)

const derivatives = "Derivatives.DerivativesTrade"

// newUnifiedDesk is a desk at a Bybit that adds Derivatives to every key.
func newUnifiedDesk(t *testing.T) *desk {
	sim := simulator.New(simulator.Options{RateMultiplier: hurried}, bybit.Venue())
	require.NoError(t, sim.Start("127.0.0.1", 0))
	require.NoError(t, sim.SetWeather("bybit", "derivatives", "every_key"))
	return newDeskOf(t, sim, &fakeClock{now: time.Now()}, catalog.All())
}

// What an exchange adds to a key unasked is shown wherever the key is, and survives a
// renewal. Where a role asks for as much anyway, there is nothing to tell.
func TestAddedPermissionsAreShown(t *testing.T) {
	d := newUnifiedDesk(t)
	d.trader()
	lease := d.mint("trader")
	require.Equal(t, []string{"read", "trade:spot"}, lease.Data["scopes"])
	require.Equal(t, []string{derivatives}, lease.Data["added_permissions"])
	require.Equal(t, "moderate", lease.Data["risk"])
	require.Len(t, lease.Warnings, 1)
	require.Contains(t, lease.Warnings[0], "Bybit added "+derivatives+" to the key unasked")
	require.Contains(t, lease.Warnings[0], "trade:futures")
	shown := d.read("keys/" + lease.Data["key_id"].(string))
	require.Equal(t, []string{derivatives}, shown["added_permissions"])
	require.Equal(t, []string{"Spot.SpotTrade"}, shown["permissions"])
	d.start()
	require.Equal(t, []string{derivatives}, d.read("keys/" + lease.Data["key_id"].(string))["added_permissions"])
	require.NoError(t, d.lease(logical.RenewOperation, lease))
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())

	for _, scopes := range []string{"trade:futures,trade:spot", "read"} {
		d.must(logical.PatchOperation, "roles/trader", map[string]any{"scopes": scopes})
		lease = d.mint("trader")
		require.Empty(t, lease.Data["added_permissions"], scopes)
		require.Empty(t, lease.Warnings, scopes)
		require.Empty(t, d.read("keys/" + lease.Data["key_id"].(string))["added_permissions"], scopes)
	}
}

// A connection that does not allow what the exchange adds gets no key there, and the
// refusal says what would be accepted.
func TestAddedPermissionsNeedTheConnection(t *testing.T) {
	d := newUnifiedDesk(t)
	d.trader()
	d.write("config/bybit", map[string]any{"allowed_scopes": "read,trade:spot"})
	d.refused(logical.ReadOperation, "creds/trader", nil,
		"Bybit added "+derivatives, "add trade:futures to allowed_scopes", `connection "bybit"`, "the key was deleted")
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	require.Len(t, d.sim.Deletions("bybit"), 1)

	d.write("config/bybit", map[string]any{"allowed_scopes": "read,trade:spot,trade:futures"})
	lease := d.mint("trader")
	require.NoError(t, d.lease(logical.RenewOperation, lease))
	d.write("config/bybit", map[string]any{"allowed_scopes": "read,trade:spot"})
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "no longer allows trade:futures")
	require.ErrorContains(t, resp.Error(), derivatives)
}

// The judgement of a grant, where the exchange adds more than Bybit does.
func TestJudge(t *testing.T) {
	variant := exchanges.Variant{Permissions: []exchanges.Permission{
		{Name: "reader", Scopes: exchanges.NewScopes(exchanges.ScopeRead)},
		{Name: "spot", Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeSpot)},
		{Name: "futures", Scopes: exchanges.NewScopes(exchanges.ScopeRead, exchanges.ScopeFutures), Automatic: true},
		{Name: "sweep", Scopes: exchanges.NewScopes(exchanges.ScopeTransfer), Automatic: true},
		{Name: "odd", Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true, Automatic: true},
		{Name: "loans", Scopes: exchanges.NewScopes(exchanges.ScopeRead), Beyond: true},
	}}
	for _, test := range []struct {
		name      string
		scope     exchanges.Scope
		allowed   []string
		addresses []string
		given     []string
		added     []string
		risk      exchanges.Risk
		refused   string
	}{
		{"as asked for", exchanges.ScopeSpot, nil, nil, []string{"spot"}, nil, exchanges.RiskModerate, ""},
		{"added and allowed", exchanges.ScopeSpot, []string{"trade"}, []string{"192.0.2.1"}, []string{"spot", "futures"}, []string{"futures"}, exchanges.RiskModerate, ""},
		{"added and not allowed", exchanges.ScopeSpot, []string{"trade:spot"}, []string{"192.0.2.1"}, []string{"spot", "futures"}, nil, "", "add trade:futures to allowed_scopes"},
		{"one of two allowed", exchanges.ScopeSpot, []string{"trade"}, []string{"192.0.2.1"}, []string{"spot", "futures", "sweep"}, nil, "", "add transfer to allowed_scopes"},
		{
			"both allowed", exchanges.ScopeSpot, []string{"trade", "transfer"}, []string{"192.0.2.1"}, []string{"spot", "futures", "sweep"},
			[]string{"futures", "sweep"}, exchanges.RiskCritical, "",
		},
		{"of unknown reach", exchanges.ScopeSpot, []string{"trade"}, []string{"192.0.2.1"}, []string{"spot", "odd"}, nil, "", "add odd to allowed_scopes"},
		{"of unknown reach, allowed", exchanges.ScopeSpot, []string{"trade", "odd"}, []string{"192.0.2.1"}, []string{"spot", "odd"}, []string{"odd"}, exchanges.RiskCritical, ""},
		{"a reader that now trades", exchanges.ScopeRead, []string{"trade"}, nil, []string{"reader", "futures"}, nil, "", "requires addresses"},
		{"another surplus", exchanges.ScopeSpot, []string{"trade", "loans"}, []string{"192.0.2.1"}, []string{"spot", "futures", "loans"}, nil, "", "native_permissions=loans"},
		{"a lack", exchanges.ScopeSpot, []string{"trade"}, []string{"192.0.2.1"}, []string{"futures"}, nil, "", "did not grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			grant, err := variant.Grant(exchanges.NewScopes(exchanges.ScopeRead, test.scope), nil)
			require.NoError(t, err)
			o := &order{grant: grant, addresses: test.addresses, link: &link{
				name: "desk", variant: variant, connection: connection{AllowedScopes: test.allowed, RequireIPAllowlist: true},
			}}
			addition, err := o.judge(test.given)
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.added, addition.Permissions)
			require.Equal(t, test.risk, addition.Risk)
		})
	}
}
