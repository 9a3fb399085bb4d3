package backend

import (
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestStaticRoleIsRefusedWhatCannotBeKept(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"allowed_sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "allowed_roles": "gate*,key"})
	create := func(more map[string]any, words ...string) {
		d.Helper()
		d.refused(logical.UpdateOperation, "static-roles/gateway", merge(d.gatewayFields(), more), words...)
	}
	create(map[string]any{"rotation_period": nil}, "rotation_period: missing", "rotation_schedule")
	create(map[string]any{"rotation_schedule": "0 2 * * 6"}, "rotation_schedule: cannot be combined")
	create(map[string]any{"rotation_period": "2s", "overlap": 0}, "rotation_period: 2s is too short")
	create(map[string]any{"rotation_period": "-5"}, "rotation_period: -5s is negative")
	create(map[string]any{"rotation_window": "2h"}, "rotation_window: belongs to rotation_schedule")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "0 2 * * 6", "rotation_window": "10m"}, "rotation_window: 10m0s is too short")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "0 0 31 2 *"}, "rotation_schedule:", "never occurs")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "every day"}, "rotation_schedule:", "not understood")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "@daily"}, "rotation_schedule:", "not understood")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "CRON_TZ=Europe/Paris 0 2 * * 6"}, "rotation_schedule:", "time zone")
	create(map[string]any{"rotation_period": "10m"}, "overlap: 10m is not shorter than the 10m between two rotations")
	create(map[string]any{"rotation_period": nil, "rotation_schedule": "* * * * *", "overlap": "2m"}, "overlap: 2m is not shorter")
	create(map[string]any{"sub_account": nil}, "sub_account: missing")
	create(map[string]any{"sub_account": "4711"}, "sub_account:", "not allowed on connection")
	create(map[string]any{"connection": nil}, "connection: missing")
	create(map[string]any{"connection": "nowhere"}, "connection:", "config/nowhere")
	create(map[string]any{"scopes": nil}, "scopes: missing")
	create(map[string]any{"scopes": "withdraw"}, "scopes:")
	create(map[string]any{"ip_allowlist": nil}, "ip_allowlist: missing")
	create(map[string]any{"custodian": "x"}, "custodian", "not a field")
	d.refused(logical.UpdateOperation, "static-roles/key", d.gatewayFields(), "name:", "key")
	d.refused(logical.UpdateOperation, "static-roles/other", d.gatewayFields(), "connection:", "allowed_roles")
	d.refused(logical.ReadOperation, "static-creds/gateway", nil, "no static role")
	d.refused(logical.UpdateOperation, "rotate-role/gateway", nil, "no static role")
	require.Empty(t, d.sim.Keys())

	d.write("config/bybit", map[string]any{"max_ttl": "1h"})
	create(nil, "rotation_period:", "max_ttl")
	d.write("config/bybit", map[string]any{"max_ttl": 0})
	d.gateway(nil)
	d.refused(logical.UpdateOperation, "rotate-role/gateway", map[string]any{"overlap": "1h"}, "overlap: 1h is not shorter")
	create(map[string]any{"api_key": "a", "api_secret": "b"}, "api_key:", "only when the role is created")
	for field, value := range map[string]any{"connection": "other", "sub_account": d.sim.Exchange("bybit").SubAccounts[1]} {
		require.ErrorContains(t, d.patch("static-roles/gateway", map[string]any{field: value}), field+": cannot be changed")
	}
	require.Error(t, d.patch("static-roles/nobody", map[string]any{"overlap": 0}))
	_, err := d.do(logical.PatchOperation, "static-roles/nobody", map[string]any{"overlap": 0})
	var coded logical.HTTPCodedError
	require.ErrorAs(t, err, &coded)
	require.Equal(t, http.StatusNotFound, coded.Code())
}

func TestStaticRoleNeedsASpareSlot(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", map[string]any{"max_keys_per_sub_account": 1})
	d.refused(logical.UpdateOperation, "static-roles/gateway", d.gatewayFields(), "sub_account:", "at most 1 key", "rotations")
	d.write("config/bybit", map[string]any{"max_keys_per_sub_account": 2})
	d.gateway(nil)
	d.refused(logical.UpdateOperation, "static-roles/second", d.gatewayFields(), "sub_account:", `static roles hold 1 ("gateway")`)

	// A leased key that fills the sub-account comes and goes; check says so.
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "trade:spot", "ip_allowlist": "127.0.0.1",
	})
	require.Equal(t, true, d.read("static-roles/gateway/check")["ok"])
	lease := d.mint("trader")
	check := d.read("static-roles/gateway/check")
	require.Equal(t, false, check["ok"])
	require.Contains(t, check["problem"], "holds 2 keys")
	d.listed()
	require.NoError(t, d.revoke(lease))
	require.Equal(t, true, d.read("static-roles/gateway/check")["ok"])
}

func TestNoStaticRolesWhereKeysCannotBeDeletedOrListed(t *testing.T) {
	d := newDesk(t)
	for exchange, root := range map[string]string{"bitfinex": "main", "bitget": "classic"} {
		access, ok := d.sim.Root(exchange, root)
		require.True(t, ok)
		d.write("config/"+exchange, merge(connectionFields(exchange, access), map[string]any{
			"allow_undeletable_keys": true, "require_ip_allowlist": false, "variant": access.Variant,
		}))
		d.refused(logical.UpdateOperation, "static-roles/gateway", map[string]any{
			"connection": exchange, "sub_account": access.SubAccounts[0], "scopes": "read", "rotation_period": "24h",
		}, "has no static roles", "roles/")
	}
}

func TestWritesOfAStaticRole(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		first := d.static()
		role := d.read("static-roles/gateway")
		require.EqualValues(t, 3600, role["effective_rotation_period"])
		require.Equal(t, []string{"read", "trade:spot"}, role["effective_scopes"])

		time.Sleep(30 * time.Minute)
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"rotation_period": "2h"}))
		require.EqualValues(t, 5400, d.static()["ttl"], "the period counts from the last rotation")
		resp, err := d.do(logical.PatchOperation, "static-roles/gateway", map[string]any{"scopes": "read"})
		require.NoError(t, err)
		require.Len(t, resp.Warnings, 1)
		require.Contains(t, resp.Warnings[0], "rotate-role/gateway")
		require.Equal(t, first["scopes"], d.static()["scopes"], "what the key may do, not the role")

		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"rotation_period": nil, "rotation_schedule": "0 * * * *"}))
		require.Equal(t, "2030-01-01T01:00:00Z", d.static()["next_vault_rotation"])
		time.Sleep(31 * time.Minute)
		second := d.static()
		require.Equal(t, 2, second["version"])
		require.Equal(t, []string{"read"}, second["scopes"])
		require.NoError(t, d.patch("static-roles/gateway", map[string]any{"disabled": true}))
		d.refused(logical.ReadOperation, "static-creds/gateway", nil, "disabled")
		time.Sleep(3 * time.Hour)
		require.Equal(t, []string{second["api_key"].(string)}, d.keysAt())
		d.gateway(nil)
		require.Equal(t, true, d.read("static-roles/gateway")["disabled"], "a write that does not name it leaves it alone")
	})
}

// TestFirstKeyThatCannotBeMade: the role is there, says why, and gets its key later.
func TestFirstKeyThatCannotBeMade(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.connect("bybit", nil)
		d.inject("bybit", exchanges.OpCreateKey, simulator.RateLimit, 100)
		resp := d.write("static-roles/gateway", d.gatewayFields())
		require.Len(t, resp.Warnings, 1)
		require.Contains(t, resp.Warnings[0], "could not be made yet")
		_, err := d.do(logical.ReadOperation, "static-creds/gateway", nil)
		require.ErrorContains(t, err, "has no key now")
		d.sim.ClearFaults()
		time.Sleep(10 * time.Minute)
		require.Equal(t, 1, d.static()["version"])
	})
}

func TestGuardRailsHoldForStaticRoles(t *testing.T) {
	staticBubble(t, func(d *desk) {
		d.gateway(nil)
		d.write("config/bybit", map[string]any{"allowed_scopes": "read"})
		d.refused(logical.ReadOperation, "static-creds/gateway", nil, "scopes: trade:spot is not allowed")
		time.Sleep(2 * time.Hour)
		require.Len(t, d.keysAt(), 1)
		require.Contains(t, d.read("static-roles/gateway")["last_error"], "trade:spot is not allowed")
		d.refused(logical.DeleteOperation, "config/bybit", nil, "1 key")
	})
}
