package backend

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/backend/store"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// newProduction is a desk in a bubble, by whose clock its exchange goes, with a first
// beat.
func newProduction(t *testing.T) *desk {
	d := newBubbleDesk(t, "bybit")
	d.trader()
	d.tick()
	return d
}

// drill is a second mount on a copy of the storage as it was, beside the first.
func (d *desk) drill(snapshot map[string][]byte) *desk {
	d.Helper()
	other := *d
	other.storage = &watchedStorage{}
	other.restore(snapshot)
	other.log = &lockedBuffer{}
	other.engine = nil
	other.start()
	return &other
}

func pulseTable() *store.Table[pulse] { return store.New[pulse](pulsePrefix, nil) }

// A copy of production takes leases for over that production has renewed.
func TestARestoredSnapshotDeletesNothingThatLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		renewed := d.mint("trader")
		snapshot := d.snapshot()
		d.clock.advance(9 * time.Minute)
		require.NoError(t, d.lease(logical.RenewOperation, renewed))
		later := d.mint("trader")
		d.clock.advance(2 * time.Minute)

		drill := d.drill(snapshot)
		calls := drill.sim.Calls("bybit", exchanges.OpListKeys)
		require.Empty(t, drill.read("config/bybit/check")["deletions_held"])
		require.Equal(t, calls, drill.sim.Calls("bybit", exchanges.OpListKeys), "nobody has looked yet")
		drill.sweep()
		require.Len(t, d.sim.Keys(), 2)
		require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey))
		why := drill.read("config/bybit/check")["deletions_held"]
		for _, word := range []string{"restored from a snapshot", "confirm_restore=true", drill.engine.tag, "reconcile"} {
			require.Contains(t, why, word)
			require.Contains(t, drill.log.String(), word)
		}
		require.Contains(t, drill.metrics(), `exchange_deletions_held{connection="bybit"} 1`)
		id := renewed.Data["key_id"].(string)
		require.Contains(t, drill.read("keys/" + id)["last_error"], "restored from a snapshot")
		drill.refused(logical.DeleteOperation, "keys/"+id, nil, "held back")
		drill.refused(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false}, "held back")
		require.Equal(t, "no", drill.read("config/bybit")["effective_frozen"], "new keys can be minted")

		// What shows it may be gone by the time that the copy is started again.
		require.NoError(t, d.revoke(later))
		drill.clock.advance(10 * time.Minute)
		drill.start()
		drill.sweep()
		require.Len(t, d.sim.Keys(), 1)
		require.Equal(t, why, drill.read("config/bybit/check")["deletions_held"])

		drill.write("config/bybit", map[string]any{"frozen": "no"})
		require.NotEmpty(t, drill.read("config/bybit/check")["deletions_held"], "only a confirmation confirms")
		drill.write("config/bybit", map[string]any{"confirm_restore": true})
		require.Empty(t, drill.read("config/bybit/check")["deletions_held"])
		drill.clock.advance(ledger.LastRetry)
		drill.sweep()
		require.Empty(t, d.sim.Keys())
		drill.start()
		drill.tick()
		require.Empty(t, drill.read("config/bybit/check")["deletions_held"])
	})
}

// Strays are not taken in, and so made known, before anybody has looked.
func TestReconcileLooksForARestoredSnapshotFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		snapshot := d.snapshot()
		d.clock.advance(6 * time.Minute)
		d.mint("trader")
		drill := d.drill(snapshot)
		drill.refused(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false}, "restored from a snapshot")
		require.Empty(t, drill.ledgerIDs())
		drill.write("config/bybit", map[string]any{"confirm_restore": true})
		require.Equal(t, 1, drill.write("config/bybit/reconcile", map[string]any{"dry_run": false}).Data["deleting"])
		d.eventually("the stray is gone", func() bool { return len(d.sim.Keys()) == 0 })
	})
}

// An outage of Vault leaves nothing unknown, so that it costs one look.
func TestALongPauseCostsOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		d.mint("trader")
		last := d.mint("trader")
		d.foreignKey()
		listed := func() int { return d.sim.Calls("bybit", exchanges.OpListKeys) }
		require.NoError(t, d.revoke(d.mint("trader")))
		before := listed()
		require.NoError(t, d.revoke(d.mint("trader")))
		perKey := listed() - before // a mint lists for its addresses, a deletion for its proof

		d.clock.advance(2 * beatGap)
		d.start()
		before = listed()
		require.NoError(t, d.revoke(d.mint("trader")))
		require.Equal(t, perKey+1, listed()-before)
		stored, err := pulseTable().Get(t.Context(), d.storage, pulseName)
		require.NoError(t, err)
		require.Empty(t, stored.Doubts)
		before = listed()
		require.NoError(t, d.revoke(d.mint("trader")))
		require.Equal(t, perKey, listed()-before, "once")
		require.NoError(t, d.revoke(last))
	})
}

func TestAShortPauseCostsNoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		d.clock.advance(beatGap)
		d.start()
		_, doubtful := d.engine.heartbeat.doubts("bybit")
		require.False(t, doubtful)
		d.clock.advance(time.Second)
		d.start()
		_, doubtful = d.engine.heartbeat.doubts("bybit")
		require.True(t, doubtful)
		d.must(logical.DeleteOperation, "config/bybit", nil)
		_, doubtful = d.engine.heartbeat.doubts("bybit")
		require.False(t, doubtful, "one of the same name is another connection")
	})
}

// A pause is in doubt until somebody has looked, though the beat goes on meanwhile.
func TestDoubtOutlivesTheBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		d.clock.advance(2 * beatGap)
		d.start()
		d.tick()
		d.start()
		doubt, doubtful := d.engine.heartbeat.doubts("bybit")
		require.True(t, doubtful)
		require.Equal(t, 2*beatGap, d.clock.Now().Sub(doubt.Since))
	})
}

// Where the exchange cannot be asked nothing is deleted, and what was listed is not
// listed again.
func TestALookGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newProduction(t)
		subs := d.sim.Exchange("bybit").SubAccounts
		for i, sub := range append([]string{"12345678"}, subs...) {
			d.write(fmt.Sprintf("roles/r%d", i), map[string]any{"connection": "bybit", "sub_accounts": sub, "scopes": "read", "verify": false})
		}
		lease := d.mint("trader")
		d.clock.advance(2 * beatGap)
		d.start()
		d.inject("bybit", exchanges.OpListKeys, simulator.Error5xx, 0)
		require.ErrorContains(t, d.revoke(lease), "did not run for a while")
		require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey))
		d.sim.ClearFaults()
		d.engine.heartbeat.list(subAccountOf{"bybit", subs[0]})
		before := d.sim.Calls("bybit", exchanges.OpListKeys)
		require.NoError(t, d.revoke(lease))
		proof := 1
		require.Equal(t, len(subs)-1+1+proof, d.sim.Calls("bybit", exchanges.OpListKeys)-before, "one of them is not there")
	})
}

// Where no list shows whose the keys are, nothing can be found.
func TestNothingIsFoundWhereKeysAreNotListedOrLabelled(t *testing.T) {
	clock := &fakeClock{now: time.Now()}
	for exchange, root := range map[string]string{"bitfinex": "main", "binance": "link"} {
		d := newDeskAt(t, simulator.Options{RateMultiplier: hurried, Now: clock.Now}, clock)
		access, _ := d.sim.Root(exchange, root)
		d.write("config/"+exchange, connectionFields(exchange, access))
		l, err := d.engine.connections.existing(t.Context(), d.storage, exchange)
		require.NoError(t, err)
		found, err := d.engine.lookForUnknown(t.Context(), d.storage, l, time.Time{})
		require.NoError(t, err)
		require.Empty(t, found)
		require.Zero(t, d.sim.Calls(exchange, exchanges.OpListKeys))
	}
}

func TestUnknownKeys(t *testing.T) {
	d := newDesk(t)
	d.trader()
	known := d.entry(d.mint("trader").Data["key_id"].(string))
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tag := d.engine.tag
	for name, test := range map[string]struct {
		key  exchanges.KeyInfo
		want int
	}{
		"ours, newer":             {exchanges.KeyInfo{ID: "a", Label: tag + "x", CreatedAt: since.Add(time.Second)}, 1},
		"ours, masked":            {exchanges.KeyInfo{ID: "a*", Label: tag + "x", CreatedAt: since.Add(time.Second), Masked: true}, 1},
		"ours, older":             {exchanges.KeyInfo{ID: "a", Label: tag + "x", CreatedAt: since}, 0},
		"ours, of no known age":   {exchanges.KeyInfo{ID: "a", Label: tag + "x"}, 1},
		"known by its label":      {exchanges.KeyInfo{ID: "a*", Label: known.Label, Masked: true}, 0},
		"known by its id":         {exchanges.KeyInfo{ID: known.ExchangeKeyID, Label: tag + "x"}, 0},
		"of somebody else":        {exchanges.KeyInfo{ID: "a", Label: "x", CreatedAt: since.Add(time.Second)}, 0},
		"of nobody, without name": {exchanges.KeyInfo{ID: "a", CreatedAt: since.Add(time.Second)}, 0},
	} {
		unknown, err := d.engine.unknownSince(t.Context(), d.storage, []exchanges.KeyInfo{test.key}, since)
		require.NoError(t, err)
		require.Len(t, unknown, test.want, name)
	}
}
