package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestScopesNeverLeaveTheRolesGrant: a scope that a role holds by a permission's name
// does not open the exchange's other permissions of that scope.
func TestScopesNeverLeaveTheRolesGrant(t *testing.T) {
	d := newDesk(t)
	d.connect("gate", nil)
	d.write("roles/dated", map[string]any{
		"connection": "gate", "sub_accounts": d.sim.Exchange("gate").SubAccounts[0], "scopes": "read",
		"native_permissions": "delivery:write", "ip_allowlist": "127.0.0.1",
	})
	whole := d.mint("dated")
	require.Contains(t, d.sim.Keys()[0].Permissions, "delivery")
	narrowed := d.must(logical.UpdateOperation, "creds/dated", map[string]any{"scopes": "trade:futures"})
	require.Equal(t, whole.Data["scopes"], narrowed.Data["scopes"])
	require.ElementsMatch(t, d.sim.Keys()[0].Permissions, d.sim.Keys()[1].Permissions)
	only := d.must(logical.UpdateOperation, "creds/dated", map[string]any{"scopes": "read"})
	require.Equal(t, []string{"read"}, only.Data["scopes"])
	require.NotContains(t, d.sim.Keys()[2].Permissions, "delivery")
}

// TestCriticalPermissionsNeedAddresses: what a permission can do counts, not only
// the scopes that it carries.
func TestCriticalPermissionsNeedAddresses(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"allowed_scopes": "read,Earn.Earn"})
	role := map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "native_permissions": "Earn.Earn",
	}
	d.refused(logical.UpdateOperation, "roles/earner", role, "ip_allowlist", "requires addresses")
	d.write("roles/earner", merge(role, map[string]any{"ip_allowlist": "203.0.113.7"}))
	require.Equal(t, "critical", d.read("roles/earner")["risk"])
	lease := d.mint("earner")
	d.write("config/bybit", map[string]any{"require_ip_allowlist": false})
	d.must(logical.PatchOperation, "roles/earner", map[string]any{"ip_allowlist": nil})
	unbound := d.mint("earner")
	d.write("config/bybit", map[string]any{"require_ip_allowlist": true})
	for _, l := range []*logical.Response{lease, unbound} {
		resp, err := d.leaseAnswer(logical.RenewOperation, l, 0)
		require.NoError(t, err)
		require.True(t, resp.IsError(), "the role now needs addresses and has none")
	}
}

// TestAddressesWithinTheConnections: a guard rail of the connection bounds what any
// role binds its keys to, and what a caller chooses.
func TestAddressesWithinTheConnections(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"allowed_ip_ranges": "203.0.113.0/24,10.0.0.0/8"})
	role := func(field, value string) map[string]any {
		return map[string]any{"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade:spot", field: value}
	}
	d.refused(logical.UpdateOperation, "roles/r", role("ip_allowlist", "198.51.100.7"), "ip_allowlist", "198.51.100.7", "203.0.113.0/24")
	d.refused(logical.UpdateOperation, "roles/r", role("allowed_ip_ranges", "203.0.112.0/23"), "allowed_ip_ranges", "203.0.112.0/23")
	d.write("roles/r", role("ip_allowlist", "203.0.113.7"))
	lease := d.mint("r")
	d.write("config/bybit", map[string]any{"allowed_ip_ranges": "10.0.0.0/8"})
	d.refused(logical.ReadOperation, "creds/r", nil, "ip_allowlist", "10.0.0.0/8")
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.True(t, resp.IsError())
	d.refused(logical.UpdateOperation, "config/bybit", map[string]any{"allowed_ip_ranges": "10.0.0.1/8"}, "allowed_ip_ranges", "10.0.0.0/8")
}

// TestADefaultLifetimeIsShort: also for roles that were stored long ago.
func TestADefaultLifetimeIsShort(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	d.system.DefaultLeaseTTLVal, d.system.MaxLeaseTTLVal = 768*time.Hour, 768*time.Hour
	role := map[string]any{"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read"}
	require.Nil(t, d.write("roles/r", role))
	require.Equal(t, time.Hour, d.mint("r").Secret.TTL)
	require.EqualValues(t, 3600, d.read("roles/r")["effective_ttl"])
	d.system.DefaultLeaseTTLVal = 10 * time.Minute
	require.Equal(t, 10*time.Minute, d.mint("r").Secret.TTL)

	role["ttl"] = "48h"
	resp := d.write("roles/r", role)
	require.Len(t, resp.Warnings, 1)
	require.Contains(t, resp.Warnings[0], "48h")
	require.Equal(t, 48*time.Hour, d.mint("r").Secret.TTL)
}

// TestAStoredTemplateThatDoesNotFitStopsItsRole: with the reason and the remedy.
func TestAStoredTemplateThatDoesNotFitStopsItsRole(t *testing.T) {
	d := newDesk(t)
	d.trader()
	stored, err := roleTable().Get(t.Context(), d.storage, "trader")
	require.NoError(t, err)
	stored.LabelTemplate = "{{ range $i := loop }}x{{ end }}"
	require.NoError(t, roleTable().Put(t.Context(), d.storage, "trader", *stored))
	d.start()
	d.refused(logical.ReadOperation, "creds/trader", nil, "label_template", "{{ .RoleName }}")
	require.Contains(t, d.read("roles/trader/check")["problem"], "label_template")
	require.Len(t, d.must(logical.ReadOperation, "roles/trader", nil).Warnings, 1)
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"label_template": nil})
	d.mint("trader")
}

// TestARoleReadsAsItWasWritten: what manages roles as code sees no drift.
func TestARoleReadsAsItWasWritten(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	written := map[string]any{
		"connection": "bybit", "sub_accounts": []string{d.sim.Exchange("bybit").SubAccounts[1], d.sim.Exchange("bybit").SubAccounts[0]},
		"scopes": []string{"trade"}, "ip_allowlist": []string{"203.0.113.9/32", "127.0.0.1"}, "allowed_ip_ranges": []string{"10.0.0.0/8"},
	}
	d.write("roles/r", merge(map[string]any{"ttl": "1h"}, written))
	shown := d.read("roles/r")
	for field, value := range written {
		require.Equal(t, value, shown[field], field)
	}
	require.EqualValues(t, 3600, shown["ttl"])
	require.Equal(t, []string{"203.0.113.9", "127.0.0.1"}, shown["effective_ip_allowlist"])
	require.Contains(t, shown["effective_scopes"], "read")
	require.Equal(t, []string{"203.0.113.9", "127.0.0.1"}, d.mint("r").Data["ip_allowlist"])

	d.must(logical.PatchOperation, "roles/r", map[string]any{"disabled": true})
	d.write("roles/r", written)
	require.Equal(t, true, d.read("roles/r")["disabled"], "only a write that names it changes it")
	d.write("roles/r", merge(map[string]any{"disabled": "no"}, written))
	require.Equal(t, false, d.read("roles/r")["disabled"])
}
