package backend

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// pool mints n keys of a role without addresses.
func (d *desk) pool(n int) []*logical.Response {
	d.Helper()
	d.connect("bybit", nil)
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts, "scopes": "read", "ttl": "1h",
	})
	leases := make([]*logical.Response, n)
	for i := range leases {
		leases[i] = d.mint("pool")
	}
	return leases
}

// TestTheKillSwitchNeedsOneWrite: whatever storage refuses after that, each key is
// doomed, and no damaged entry stands in the way of the others.
func TestTheKillSwitchNeedsOneWrite(t *testing.T) {
	d := newDesk(t)
	leases := d.pool(40)
	stubborn := ledger.Prefix + leases[3].Data["key_id"].(string)
	d.storage.failing(func(call, key string) error {
		if call == "put" && key == stubborn {
			return errors.New("storage is out of order")
		}
		return nil
	})
	_, writes := d.storage.counted(func() {
		require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "pool"))
	})
	require.Equal(t, 1, writes)

	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil)
	d.eventually("all other keys are gone", func() bool { return len(d.sim.Keys()) == 1 })
	resp, err := d.leaseAnswer(logical.RenewOperation, leases[3], 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "revoked", "it is doomed, though that could not be written")
	d.storage.failing(nil)
	d.eventually("the last key is gone too", func() bool {
		d.tick()
		return len(d.ledgerIDs()) == 0
	})
	require.Empty(t, d.sim.Keys())
}

// TestTheKillSwitchSurvivesARestart: the keys are doomed by what is stored, though
// the process died before the first was deleted, and whatever the clock says.
func TestTheKillSwitchSurvivesARestart(t *testing.T) {
	for name, kind := range map[string]ledger.Kind{"bybit": ledger.OfConnection, "pool": ledger.OfRole} {
		t.Run(string(kind), func(t *testing.T) {
			d := newDesk(t)
			d.pool(3)
			require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, kind, name))
			d.clock.jump(-24 * time.Hour)
			d.start()
			d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch")
			d.tick()
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}

// TestNothingResetsAKillSwitch: not the deletion of the role, nor a write of it, nor
// of the connection; a DELETE of the switch does, and leaves doomed what was.
func TestNothingResetsAKillSwitch(t *testing.T) {
	d := newDesk(t)
	d.pool(2)
	d.write("config/bybit", map[string]any{"frozen": "all"})
	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil)
	d.eventually("the freeze holds the deletions back", func() bool { return d.read("roles/pool/revoke-all")["failing"] == 2 })
	shown := d.read("roles/pool/revoke-all")
	require.Equal(t, true, shown["on"])
	require.NotEmpty(t, shown["since"])
	require.Equal(t, 2, shown["keys_left"])
	require.Contains(t, shown["last_error"], "frozen=all")

	d.must(logical.DeleteOperation, "roles/pool", nil)
	d.must(logical.UpdateOperation, "roles/pool/revoke-all", nil) // Its keys are still there.
	d.write("roles/pool", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "disabled": false,
	})
	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.refused(logical.ReadOperation, "creds/pool", nil, "kill switch", "roles/pool/revoke-all")

	d.must(logical.DeleteOperation, "roles/pool/revoke-all", nil)
	require.Equal(t, false, d.read("roles/pool/revoke-all")["on"])
	kept := d.mint("pool")
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "what was doomed stays doomed")
	require.Equal(t, kept.Data["api_key"], d.sim.Keys()[0].APIKey)
}

func TestAKillSwitchOfNothingIsRefused(t *testing.T) {
	d := newDesk(t)
	d.refused(logical.UpdateOperation, "roles/nobody/revoke-all", nil, "name", "nobody", "no key")
	d.refused(logical.UpdateOperation, "config/nowhere/revoke-all", nil, "name", "nowhere", "no key")
	require.Equal(t, 0, d.read("roles/nobody/revoke-all")["keys_left"])
}

// TestADoomedKeyIsNotRenewed: neither while the switch is on nor once it is lifted.
func TestADoomedKeyIsNotRenewed(t *testing.T) {
	d := newDesk(t)
	lease := d.pool(1)[0]
	d.write("config/bybit", map[string]any{"frozen": "all"})
	require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "pool"))
	require.NoError(t, d.engine.ledger.Lift(t.Context(), d.storage, ledger.OfRole, "pool"))
	d.write("config/bybit", map[string]any{"frozen": "no"})
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "revoked")
}

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

// TestAClockThatJumpsAheadEndsNoKey: a lease is taken for over only if it was so at
// two looks half a minute apart, and at every look between.
func TestAClockThatJumpsAheadEndsNoKey(t *testing.T) {
	d := newDesk(t)
	d.pool(1)
	for range 3 {
		d.clock.jump(48 * time.Hour)
		d.tick()
		d.clock.elapse(29 * time.Second)
		d.tick()
		require.Len(t, d.sim.Keys(), 1)
		d.clock.jump(-48 * time.Hour)
		d.tick()
		d.clock.advance(time.Minute)
	}
	d.clock.jump(48 * time.Hour)
	d.tick()
	d.clock.elapse(30 * time.Second)
	d.tick()
	require.Empty(t, d.sim.Keys(), "the clock stayed where it was")
}

// TestAHangingExchangeHoldsNoOtherBack: each connection is swept at its own pace.
func TestAHangingExchangeHoldsNoOtherBack(t *testing.T) {
	d := newDesk(t)
	d.pool(sweepBatch + 8) // more than one batch
	d.connect("okx", nil)
	d.write("roles/slow", map[string]any{
		"connection": "okx", "sub_accounts": d.sim.Exchange("okx").SubAccounts[0], "scopes": "read", "ttl": "1h",
	})
	d.mint("slow")
	hanging := make(chan struct{})
	d.engine.connections.hold("okx", hanging)
	d.clock.advance(2 * time.Hour)
	d.tick()
	d.clock.elapse(time.Minute)
	swept := make(chan struct{})
	go func() { defer close(swept); d.tick() }()
	d.eventually("the other exchange's keys are gone", func() bool {
		keys, err := d.engine.ledger.Count(t.Context(), d.storage.Storage, ofConnection("bybit"))
		return err == nil && keys == 0
	})
	close(hanging)
	<-swept
	require.Empty(t, d.ledgerIDs())
}

// hold keeps every deletion at a connection waiting until the channel is closed.
func (c *connections) hold(name string, until <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links[name].account.account = &held{c.links[name].account.account, until}
}

type held struct {
	exchanges.Account
	until <-chan struct{}
}

func (h *held) DeleteKey(ctx context.Context, ref exchanges.KeyRef) error {
	<-h.until
	return h.Account.DeleteKey(ctx, ref)
}
