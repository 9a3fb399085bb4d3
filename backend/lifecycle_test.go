package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// TestOneUnreadableEntryStopsNothing: it is skipped, and shown for what it is.
func TestOneUnreadableEntryStopsNothing(t *testing.T) {
	for name, value := range map[string]string{"damaged": "canary{", "newer version": `{"schema":99,"entry":{}}`} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			leases := d.pool(2)
			require.NoError(t, d.storage.Put(t.Context(), &logical.StorageEntry{Key: ledger.Prefix + "odd", Value: []byte(value)}))
			d.start()

			listed := d.must(logical.ListOperation, "keys/", nil)
			require.Contains(t, listed.Data["keys"], "odd")
			require.Equal(t, "unreadable", listed.Data["key_info"].(map[string]any)["odd"].(map[string]any)["state"])
			require.Contains(t, listed.Data["key_info"].(map[string]any)["odd"].(map[string]any)["problem"], name)
			require.Contains(t, d.metrics(), "exchange_unreadable_entries 1")
			require.Contains(t, d.log.String(), "odd")
			_, err := d.do(logical.ReadOperation, "keys/odd", nil)
			require.ErrorContains(t, err, name)

			d.mint("pool")
			resp, err := d.leaseAnswer(logical.RenewOperation, leases[0], 0)
			require.NoError(t, err)
			require.False(t, resp.IsError(), "%v", resp)
			require.NoError(t, d.revoke(leases[0]))
			d.must(logical.UpdateOperation, "config/bybit/reconcile", nil)
			d.must(logical.UpdateOperation, "config/bybit/revoke-all", nil)
			d.eventually("all keys are gone", func() bool { return d.read("config/bybit/revoke-all")["keys_left"] == 0 })
			require.Equal(t, []string{"odd"}, d.ledgerIDs())
			require.NotContains(t, d.log.String(), "canary")
		})
	}
}

// TestKeyWhoseEntryCannotBeRead: nobody is told that it is gone, and its lease, which knows
// the key, ends it. What a newer version wrote is not touched.
func TestKeyWhoseEntryCannotBeRead(t *testing.T) {
	for name, value := range map[string]string{"damaged": "canary{", "newer version": `{"schema":99,"entry":{}}`} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			lease := d.mint("trader")
			id := lease.Data["key_id"].(string)
			entry := ledger.Prefix + id
			require.NoError(t, d.storage.Put(t.Context(), &logical.StorageEntry{Key: entry, Value: []byte(value)}))
			d.start()

			_, err := d.do(logical.DeleteOperation, "keys/"+id, nil)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, "revoke its lease")
			_, err = d.do(logical.UpdateOperation, "keys/"+id+"/forget", nil)
			require.ErrorContains(t, err, name)
			_, err = d.leaseAnswer(logical.RenewOperation, lease, 0)
			require.ErrorContains(t, err, name)
			require.Len(t, d.keysAt(), 1)

			d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 100)
			require.Error(t, d.revoke(lease))
			require.Equal(t, value, string(d.snapshot()[entry]))
			d.sim.ClearFaults()
			d.listed()
			require.NoError(t, d.revoke(lease))
			require.Empty(t, d.keysAt())
			require.Equal(t, value, string(d.snapshot()[entry]))
		})
	}
}

func TestNoGoroutineLeftAfterClean(t *testing.T) {
	d := newDesk(t)
	before := goleak.IgnoreCurrent()
	d.trader()
	lease := d.mint("trader")
	d.inject("bybit", exchanges.OpDeleteKey, simulator.Outage, 1)
	_ = d.revoke(lease)
	d.clock.advance(time.Hour)
	d.sweep()
	d.engine.clean(t.Context())
	require.NoError(t, d.sim.Close())
	goleak.VerifyNone(t, before)
}
