package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

func TestRoleCheckIsADryRun(t *testing.T) {
	d := newDesk(t)
	d.trader()
	checked := d.read("roles/trader/check")
	require.Equal(t, true, checked["ok"], checked["problem"])
	require.Equal(t, []string{"Spot.SpotTrade"}, checked["permissions"])
	require.EqualValues(t, 600, checked["ttl"])
	require.Empty(t, d.sim.Keys())

	d.must(logical.PatchOperation, "roles/trader", map[string]any{"max_live_keys": 1, "require_wrapping": false})
	d.mint("trader")
	checked = d.read("roles/trader/check")
	require.Equal(t, false, checked["ok"])
	require.Contains(t, checked["problem"], "max_live_keys")
	require.Equal(t, 1, checked["keys_of_role"])

	d.write("config/bybit", map[string]any{"api_secret": "wrong", "verify": false, "force": true})
	d.must(logical.PatchOperation, "roles/trader", map[string]any{"max_live_keys": 0})
	require.Contains(t, d.read("roles/trader/check")["problem"], "authentication failed")
	require.Contains(t, d.read("roles/none/check")["problem"], "no role")
}
