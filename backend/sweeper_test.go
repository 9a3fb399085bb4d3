package backend

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

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

func TestSweeperEndsALeaseThatVaultForgot(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")

	d.clock.advance(10*time.Minute + ledger.LeaseGrace - time.Second)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "Vault has the first try")
	d.clock.advance(time.Second)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// Where storage took a write and reported a failure, the sweeper goes by what is
// stored, and looks at it once.
func TestSweeperGoesByWhatIsStored(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.clock.advance(5 * time.Minute)
	d.storage.Storage = &tornStorage{Storage: d.storage.Storage, n: 1}
	require.Error(t, d.lease(logical.RenewOperation, lease))
	later := d.entry(lease.Data["key_id"].(string))
	d.clock.advance(later.Expires.Sub(d.clock.Now()) - time.Minute)
	var reads atomic.Int64
	d.storage.failing(func(call, key string) error {
		if call == "get" && strings.HasPrefix(key, ledger.Prefix) {
			reads.Add(1)
		}
		return nil
	})
	d.sweep()
	require.EqualValues(t, 1, reads.Load())
	require.Len(t, d.sim.Keys(), 1)
	d.sweep()
	require.EqualValues(t, 1, reads.Load(), "it is looked at once")
}
