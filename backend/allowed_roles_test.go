package backend

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// What was found of a role is good for that role at that connection alone.
func TestARoleIsCheckedAgainOnceItOrItsConnectionHasChanged(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.mint("trader")
	trader, err := d.engine.roles.Get(t.Context(), d.storage, "trader")
	require.NoError(t, err)
	l, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	checked := func(name string) bool { _, ok := l.allowed.byName[name]; return ok }
	require.True(t, checked("trader"))

	// A role that is equal but for one field is another.
	for name, change := range map[string]func(*role){
		"scopes":       func(r *role) { r.Scopes = []string{"transfer"} },
		"sub-accounts": func(r *role) { r.SubAccounts = slices.Concat(r.SubAccounts, []string{"1"}) },
		"native":       func(r *role) { r.NativePermissions = []string{"no-such"} },
		"key type":     func(r *role) { r.KeyType = "ed25519" },
		"addresses":    func(r *role) { r.IPAllowlist = nil },
	} {
		other := *trader
		change(&other)
		was, wasErr := other.checkAnew("trader", l)
		is, isErr := other.check("trader", l)
		require.Equal(t, wasErr, isErr, name)
		require.Equal(t, was, is, name)
		again, err := trader.check("trader", l)
		require.NoError(t, err, name)
		require.True(t, again.Scopes.Has("trade:spot"), name)
	}

	// Guard rails that have tightened are obeyed by the next key.
	d.write("config/bybit", map[string]any{"allowed_scopes": "read"})
	d.refused(logical.ReadOperation, "creds/trader", nil, "scopes", "not allowed on this connection")
	d.write("config/bybit", map[string]any{"allowed_scopes": "read,trade"})
	d.mint("trader")
	d.write("config/bybit", map[string]any{"allowed_sub_accounts": "other"})
	d.refused(logical.ReadOperation, "creds/trader", nil, "sub_accounts")
	d.write("config/bybit", map[string]any{"allowed_sub_accounts": "*", "allowed_roles": "other"})
	d.refused(logical.ReadOperation, "creds/trader", nil, "allow role")
}

func TestFewRolesAreRemembered(t *testing.T) {
	var a allowedRoles
	for i := range keptRoles {
		a.keep(fmt.Sprint(i), allowedRole{})
	}
	require.Len(t, a.byName, keptRoles)
	a.keep("one more", allowedRole{})
	require.Len(t, a.byName, 1)
}

// BenchmarkRefusedMintOfAPool refuses a key of a role that is full and has 1,200
// sub-accounts.
func BenchmarkRefusedMintOfAPool(b *testing.B) {
	d := newDeskWith(b, simulator.Options{RateMultiplier: 1e6, SubAccounts: 1_200})
	d.connect("bybit", map[string]any{"rate_multiplier": 10_000})
	d.write("roles/full", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[:1_200], "scopes": "read", "max_live_keys": 1,
	})
	d.mint("full")
	b.ReportAllocs()
	for b.Loop() {
		d.refuse()
	}
}
