package backend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

const (
	noWrites  = 0
	allWrites = -1
)

// failWrites lets the next writes to storage fail, at most n of them.
func (d *desk) failWrites(n int, failure error) {
	d.storage.failing(func(call, _ string) error {
		if n == 0 || (call != "put" && call != "delete") {
			return nil
		}
		n--
		return failure
	})
}

// revokers are those who may ask for the end of a key.
var revokers = map[string]func(d *desk, lease *logical.Response) error{
	"Vault": func(d *desk, lease *logical.Response) error { return d.revoke(lease) },
	"an operator": func(d *desk, lease *logical.Response) error {
		resp, err := d.do(logical.DeleteOperation, "keys/"+lease.Data["key_id"].(string), nil)
		if err == nil && resp.IsError() {
			return resp.Error()
		}
		return err
	},
}

// TestRevocationDoesNotDependOnStorage: a key whose end was asked for is deleted even
// if it cannot be recorded that it must go. Whoever asked hears of what is not
// recorded, and of nothing that is.
func TestRevocationDoesNotDependOnStorage(t *testing.T) {
	t.Parallel()
	const full, refused = "storage is full", "outcome unknown"
	for name, test := range map[string]struct {
		writes  int // that fail
		trouble func(*desk)
		// says and silent are what the error holds and does not hold; without
		// says there is none.
		says, silent []string
		// state is that of the ledger afterwards; empty if the key is forgotten.
		state ledger.State
		alive bool
	}{
		"condemning fails":         {writes: 1},
		"nothing can be written":   {writes: allWrites, says: []string{full}, state: ledger.Live},
		"the exchange fails":       {writes: noWrites, trouble: deletionFails, says: []string{refused}, silent: []string{full}, state: ledger.Revoking, alive: true},
		"both fail, storage once":  {writes: 1, trouble: deletionFails, says: []string{refused}, silent: []string{full}, state: ledger.Revoking, alive: true},
		"both fail":                {writes: allWrites, trouble: deletionFails, says: []string{refused, full}, state: ledger.Live, alive: true},
		"circuit open":             {writes: 1, trouble: circuitOpens, says: []string{"has not answered"}, silent: []string{full}, state: ledger.Revoking, alive: true},
		"circuit open, no writes":  {writes: allWrites, trouble: circuitOpens, says: []string{"has not answered", full}, state: ledger.Live, alive: true},
		"held back":                {writes: 1, trouble: freezes, says: []string{"held back"}, silent: []string{full}, state: ledger.Revoking, alive: true},
		"held back, and no writes": {writes: allWrites, trouble: freezes, says: []string{"held back", full}, state: ledger.Live, alive: true},
	} {
		for who, revoke := range revokers {
			t.Run(name+", asked by "+who, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t)
				d.trader()
				lease := d.mint("trader")
				if test.trouble != nil {
					test.trouble(d)
				}
				d.failWrites(test.writes, errors.New(full))
				err := revoke(d, lease)
				if len(test.says) == 0 {
					require.NoError(t, err)
				}
				for _, words := range test.says {
					require.ErrorContains(t, err, words)
				}
				for _, words := range test.silent {
					require.NotContains(t, err.Error(), words)
				}
				require.Equal(t, test.alive, len(d.sim.Keys()) == 1)
				if test.state == "" {
					require.Empty(t, d.ledgerIDs())
				} else {
					require.Equal(t, test.state, d.entry(lease.Data["key_id"].(string)).State)
				}

				// Asked again once all is well, as Vault does, it is done with.
				d.failWrites(noWrites, nil)
				d.sim.ClearFaults()
				d.write("config/bybit", map[string]any{"frozen": "no"})
				d.clock.advance(circuitPause)
				d.listed()
				require.NoError(t, revoke(d, lease))
				require.Empty(t, d.sim.Keys())
				require.Empty(t, d.ledgerIDs())
			})
		}
	}
}

func deletionFails(d *desk) { d.inject("bybit", exchanges.OpDeleteKey, simulator.Error5xx, 0) }

func freezes(d *desk) { d.write("config/bybit", map[string]any{"frozen": "all"}) }

func circuitOpens(d *desk) {
	d.inject("bybit", exchanges.OpAny, simulator.Outage, 0)
	for range circuitFailures {
		_, err := d.do(logical.ReadOperation, "config/bybit/check", nil)
		require.Error(d, err)
	}
}

// A key that is not in the ledger, as after a snapshot was restored, goes as well.
func TestRevocationOfAnUnknownKeyDoesNotDependOnStorage(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	require.NoError(t, d.storage.Delete(t.Context(), ledger.Prefix+lease.Data["key_id"].(string)))
	d.start()
	d.failWrites(1, errors.New("storage is full"))
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// A node that may not write leaves the exchange to the one that may.
func TestRevocationOnAReadOnlyNodeIsForwarded(t *testing.T) {
	for who, revoke := range revokers {
		t.Run(who, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			lease := d.mint("trader")
			d.system.ReplicationStateVal = consts.ReplicationPerformanceStandby
			d.start()
			d.failWrites(allWrites, logical.ErrReadOnly)
			require.Equal(t, logical.ErrReadOnly, revoke(d, lease))
			require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey))
		})
	}
}

// A node that does not know yet that it may not write any more sends the request on all
// the same. It may have deleted the key by then, whose end was asked for: then the node
// that may write finds it gone.
func TestRevocationOnANodeThatIsNoLongerActiveIsForwarded(t *testing.T) {
	for who, revoke := range revokers {
		t.Run(who, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			lease := d.mint("trader")
			d.system.ReplicationStateVal = consts.ReplicationPerformanceStandby
			d.failWrites(allWrites, logical.ErrReadOnly)
			require.ErrorIs(t, revoke(d, lease), logical.ErrReadOnly)
			if who != "Vault" {
				require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey), "nobody but its lease knows that the key must go")
			}
			require.Equal(t, ledger.Live, d.entry(lease.Data["key_id"].(string)).State)

			d.failWrites(noWrites, nil)
			d.system.ReplicationStateVal = active
			d.start()
			d.listed()
			require.NoError(t, revoke(d, lease))
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}

// TestTheSweeperDeletesNothingThatItCannotRecord: a node whose writes fail may have
// been deposed, and its successor may have renewed the key.
func TestTheSweeperDeletesNothingThatItCannotRecord(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.clock.advance(lease.Secret.TTL + ledger.LeaseGrace)
	d.failWrites(allWrites, errors.New("storage is full"))
	d.sweep()
	require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey))
	require.Len(t, d.sim.Keys(), 1)
	require.Contains(t, d.log.String(), "storage is full")

	d.failWrites(noWrites, nil)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestRevokeDeletesTheKeyWithoutTheRole(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.must(logical.DeleteOperation, "roles/trader", nil)

	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	d.listed()
	require.NoError(t, d.revoke(lease), "gone already is success")
}

func TestRevokeReportsFailureAsAnErrorAndTheSweeperFinishes(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.inject("bybit", exchanges.OpDeleteKey, simulator.DeleteLies, 1)

	resp, err := d.leaseAnswer(logical.RevokeOperation, lease, 0)
	require.Error(t, err, "a deletion that only claims success is not one")
	require.Nil(t, resp, "Vault prints an error response of a revocation as a Go struct")
	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, ledger.Revoking, entry.State)
	require.Equal(t, 1, entry.Attempts)
	require.NotEmpty(t, entry.LastError)

	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestFreezeOfAllHoldsDeletionsBack(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})

	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen")
	require.ErrorContains(t, d.revoke(lease), "held back")
	d.clock.advance(time.Hour)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1)

	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// A revocation is remembered though its connection cannot be used, as after a
// downgrade.
func TestRevocationWithoutAConnectionIsRemembered(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	good, err := connectionTable().Get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	bad := *good
	bad.Variant = "no-such"
	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", bad))
	d.start()
	require.Error(t, d.revoke(lease))
	require.Equal(t, ledger.Revoking, d.entry(lease.Data["key_id"].(string)).State)

	require.NoError(t, connectionTable().Put(t.Context(), d.storage, "bybit", *good))
	d.start()
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

// A lease that was revoked during a freeze is remembered: its key goes with the
// freeze, and does not wait for the lease's own end.
func TestRevocationDuringAFreezeIsRemembered(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.write("config/bybit", map[string]any{"frozen": "all"})
	require.ErrorContains(t, d.revoke(lease), "held back")
	require.Equal(t, ledger.Revoking, d.entry(lease.Data["key_id"].(string)).State)
	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// What a deletion came to is recorded even if the exchange has used up all the
// time that there was for it.
func TestDeletionThatRunsOutOfTimeIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		lease := d.mint("trader")
		entry := d.entry(lease.Data["key_id"].(string))
		require.NoError(t, d.sim.Inject(simulator.Fault{Exchange: "bybit", Operation: exchanges.OpDeleteKey, Kind: simulator.Slow, Delay: time.Minute}))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.Error(t, d.engine.revokeByID(ctx, d.storage, entry.ID, causeByHand))
		entry = d.entry(entry.ID)
		require.Equal(t, ledger.Revoking, entry.State)
		require.Equal(t, 1, entry.Attempts)
		require.NotEmpty(t, entry.LastError)
		require.True(t, entry.NextTry.After(d.clock.Now()))
	})
}
