package backend

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// eventually polls, with a bound.
func (d *desk) eventually(what string, condition func() bool) {
	d.Helper()
	require.Eventually(d, condition, 30*time.Second, 5*time.Millisecond, what)
}

func TestRevokeAllEmptiesAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.connect("bybit", nil)
		d.write("roles/pool", map[string]any{
			"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read", "ttl": "1h",
		})
		const keys = 60
		for range keys {
			d.mint("pool")
		}
		d.inject("bybit", exchanges.OpDeleteKey, simulator.RateLimit, 2)
		left := d.must(logical.UpdateOperation, "config/bybit/revoke-all", nil).Data["keys_left"].(int)
		require.LessOrEqual(t, left, keys)
		d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch", "config/bybit/revoke-all")
		d.eventually("all keys are gone", func() bool {
			return d.read("config/bybit/revoke-all")["keys_left"] == 0
		})
		require.Empty(t, d.sim.Keys())
		require.Empty(t, d.ledgerIDs())
		d.refused(logical.UpdateOperation, "config/none/revoke-all", nil, "none")
	})
}

func TestRevokeAllOfARoleLeavesOthersAlone(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.write("roles/reader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read",
	})
	d.mint("trader")
	kept := d.mint("reader")
	d.must(logical.UpdateOperation, "roles/trader/revoke-all", nil)
	d.eventually("the role's keys are gone", func() bool { return d.read("roles/trader/revoke-all")["keys_left"] == 0 })
	require.Len(t, d.sim.Keys(), 1)
	require.Equal(t, kept.Data["api_key"], d.sim.Keys()[0].APIKey)
	require.Equal(t, true, d.read("roles/trader/revoke-all")["on"])
	require.Equal(t, false, d.read("roles/trader")["disabled"], "only a write that names it changes it")
	d.mint("reader")
	d.refused(logical.UpdateOperation, "roles/gone/revoke-all", nil, "gone", "no key")
}

func TestRevokeAllHeldBackByAFreezeGoesOnAfterwards(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})
	d.must(logical.UpdateOperation, "config/bybit/revoke-all", nil)
	d.eventually("the drainer has given up", func() bool {
		return d.entry(d.ledgerIDs()[0]).Attempts > 0
	})
	require.Len(t, d.sim.Keys(), 1)
	require.Equal(t, "all", d.read("config/bybit")["frozen"], "the kill switch does not loosen a freeze")
	d.write("config/bybit", map[string]any{"frozen": "minting"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

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

func TestReconcileAfterARestoredSnapshot(t *testing.T) {
	d := newDesk(t)
	d.trader()
	kept := d.mint("trader")
	snapshot := d.snapshot()
	lost := d.mint("trader")
	foreign := d.foreignKey("bybit")

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

func (d *desk) sweepQuietly() error {
	return d.engine.periodic(d.Context(), d.request(logical.RollbackOperation, "", nil))
}

// snapshot copies what is in storage.
func (d *desk) snapshot() map[string][]byte {
	d.Helper()
	copied := map[string][]byte{}
	keys, err := logical.CollectKeys(d.Context(), d.storage.Storage.(logical.ClearableView))
	require.NoError(d, err)
	for _, key := range keys {
		entry, err := d.storage.Storage.Get(d.Context(), key)
		require.NoError(d, err)
		copied[key] = entry.Value
	}
	return copied
}

// restore puts a snapshot in the place of what is in storage.
func (d *desk) restore(snapshot map[string][]byte) {
	d.Helper()
	fresh := &logical.InmemStorage{}
	for key, value := range snapshot {
		require.NoError(d, fresh.Put(d.Context(), &logical.StorageEntry{Key: key, Value: value}))
	}
	d.storage.Storage = fresh
}

// foreignKey makes a key at the exchange without the engine, as a person does.
func (d *desk) foreignKey(_ string) string {
	d.Helper()
	other := *d
	other.uuid = "another mount"
	other.storage = &watchedStorage{Storage: &logical.InmemStorage{}}
	other.engine = nil
	other.start()
	other.trader()
	return fmt.Sprint(other.mint("trader").Data["api_key"])
}

// TestAThousandKeysLeaveAtTheExchangesRate empties three sub-accounts through
// the paced queue while mints are refused. The documented limits are multiplied
// to make it short.
func TestAThousandKeysLeaveAtTheExchangesRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys, faster = 1000, 60
		d := newBubbleDesk(t, "binance")
		d.connect("binance", nil)
		d.write("roles/pool", map[string]any{
			"connection": "binance", "sub_accounts": d.sim.Exchange("binance").SubAccounts, "scopes": "read", "ttl": "1h",
		})
		for range keys {
			d.mint("pool")
		}
		d.write("config/binance", map[string]any{"rate_multiplier": faster})
		began := time.Now()
		d.must(logical.UpdateOperation, "config/binance/revoke-all", nil)
		d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch")
		left := keys
		require.Eventually(t, func() bool {
			now := d.read("config/binance/revoke-all")["keys_left"].(int)
			require.LessOrEqual(t, now, left, "no key comes in")
			left = now
			return left == 0
		}, 3*time.Minute, 50*time.Millisecond)
		rate := keys / time.Since(began).Seconds()
		require.Empty(t, d.sim.Keys())
		require.Len(t, d.sim.Deletions("binance"), keys, "each was deleted once")
		t.Logf("%.1f deletions a second of the %d that are allowed", rate, faster)
	})
}
