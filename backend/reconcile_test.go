package backend

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
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

func TestReconcileAfterARestoredSnapshot(t *testing.T) {
	d := newDesk(t)
	d.trader()
	kept := d.mint("trader")
	snapshot := d.snapshot()
	lost := d.mint("trader")
	foreign := d.foreignKey()

	d.restore(snapshot)
	d.start()
	require.NoError(t, d.sweepQuietly())
	require.Len(t, d.sim.Keys(), 3, "nobody knows the lost key yet")

	report := d.must(logical.UpdateOperation, "config/bybit/reconcile", nil).Data
	require.Equal(t, true, report["dry_run"])
	require.Equal(t, 1, report["known"])
	require.Len(t, report["strays"], 1)
	require.Equal(t, lost.Data["api_key"], report["strays"].([]map[string]any)[0]["api_key"])
	require.Len(t, report["foreign"], 1)
	require.Equal(t, foreign, report["foreign"].([]map[string]any)[0]["api_key"])
	require.Len(t, d.sim.Keys(), 3)

	d.write("config/bybit", map[string]any{"frozen": "all"})
	d.refused(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false}, "frozen")
	d.write("config/bybit", map[string]any{"frozen": "no"})

	report = d.must(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false}).Data
	require.Equal(t, 1, report["deleting"])
	d.eventually("the stray is gone", func() bool { return len(d.sim.Keys()) == 2 })
	require.Equal(t, []string{lost.Data["api_key"].(string)}, d.sim.Deletions("bybit"), "and nothing else was touched")
	require.NoError(t, d.lease(logical.RenewOperation, kept))

	d.write("config/bybit", map[string]any{"exclusive_sub_accounts": true})
	d.must(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false})
	d.eventually("the foreign key is gone", func() bool { return len(d.sim.Keys()) == 1 })

	require.True(t, d.sim.RemoveKey("bybit", kept.Data["api_key"].(string)))
	report = d.must(logical.UpdateOperation, "config/bybit/reconcile", nil).Data
	require.Len(t, report["missing"], 1)
	require.Equal(t, kept.Data["key_id"], report["missing"].([]map[string]any)[0]["key_id"])
}

// A masked key stands for the entry with its label, and without a label for any.
func TestComparisonOfMaskedKeys(t *testing.T) {
	keys := []ledger.Key{
		{ID: "1", State: ledger.Live, ExchangeKeyID: "abcdef", Label: "vlt-1", Created: time.Unix(1, 0)},
		{ID: "2", State: ledger.Live, ExchangeKeyID: "uvwxyz", Label: "vlt-2", Created: time.Unix(1, 0)},
	}
	for name, test := range map[string]struct {
		listed                 []exchanges.KeyInfo
		known, strays, foreign int
		missing                []string
	}{
		"both masked": {
			listed: []exchanges.KeyInfo{{ID: "ab***", Label: "vlt-1", Masked: true}, {ID: "uv***", Label: "vlt-2", Masked: true}}, known: 2,
		},
		"one is not listed":         {listed: []exchanges.KeyInfo{{ID: "ab***", Label: "vlt-1", Masked: true}}, known: 1, missing: []string{"2"}},
		"none is listed":            {missing: []string{"1", "2"}},
		"another one of ours":       {listed: []exchanges.KeyInfo{{ID: "kl***", Label: "vlt-3", Masked: true}}, strays: 1, missing: []string{"1", "2"}},
		"without a label":           {listed: []exchanges.KeyInfo{{ID: "kl***", Masked: true}}, foreign: 1},
		"the label, at another key": {listed: []exchanges.KeyInfo{{ID: "klmnop", Label: "vlt-1"}}, known: 1, missing: []string{"1", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var c comparison
			c.compare("desk", test.listed, keys, knownAt("", keys), "vlt-")
			require.Equal(t, test.known, c.known)
			require.Len(t, c.strays, test.strays)
			require.Len(t, c.foreign, test.foreign)
			var missing []string
			for _, f := range c.missing {
				missing = append(missing, f.id)
			}
			require.Equal(t, test.missing, missing)
		})
	}
}
