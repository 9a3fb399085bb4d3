package backend

import (
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestReconcileLeavesOtherConnectionsAlone: two connections may share a parent
// account, as the guide recommends, and each sees the other's keys there.
func TestReconcileLeavesOtherConnectionsAlone(t *testing.T) {
	d := newDesk(t)
	access := d.sim.Exchange("bybit")
	for _, desk := range []string{"desk-a", "desk-b"} {
		d.write("config/"+desk, connectionFields("bybit", access))
		d.write("roles/"+desk, map[string]any{"connection": desk, "sub_accounts": access.SubAccounts[0], "scopes": "read"})
	}
	lease := d.mint("desk-b")
	report := d.write("config/desk-a/reconcile", map[string]any{"dry_run": false}).Data
	require.Equal(t, 1, report["known"])
	require.Equal(t, 0, report["deleting"])
	for _, none := range []string{"strays", "foreign", "missing"} {
		require.Empty(t, report[none], none)
	}
	d.sweep()
	require.Len(t, d.sim.Keys(), 1)
	require.NoError(t, d.lease(logical.RenewOperation, lease))
}

// TestNamesOfSubAccountsInAnyCase: an address is the same in capitals, for
// allowed_sub_accounts, for the count of keys, for a renewal and for reconcile.
func TestNamesOfSubAccountsInAnyCase(t *testing.T) {
	d := sessionDesk(t)
	address := d.sim.Exchange("hyperliquid").SubAccounts[0]
	capitals := "0x" + strings.ToUpper(strings.TrimPrefix(address, "0x"))
	require.NotEqual(t, address, capitals)
	d.write("config/hyperliquid", map[string]any{"allowed_sub_accounts": capitals})
	d.write("roles/agent", d.sessionRole(map[string]any{"sub_accounts": capitals}))
	require.Equal(t, []string{capitals}, d.read("roles/agent")["sub_accounts"], "as it was written")
	lease := d.mint("agent")
	require.Equal(t, address, lease.Data["sub_account"])
	d.write("roles/agent", d.sessionRole(nil))
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.False(t, resp.IsError(), "%v", resp)

	report := d.write("config/hyperliquid/reconcile", map[string]any{"dry_run": false}).Data
	require.Equal(t, 1, report["known"])
	for _, none := range []string{"strays", "foreign", "missing"} {
		require.Empty(t, report[none], none)
	}
	d.sweep()
	require.Len(t, d.sim.Keys(), 1)
}
