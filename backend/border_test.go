package backend

import (
	"context"
	"slices"
	"strings"
	"sync"
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

// severalCalls has the variants where an exchange makes a key in several calls, after
// the first of which the key is written down once more.
var severalCalls = []string{"binance-link", "bingx", "bitfinex", "deribit-main", "deribit-direct", "orderly", "whitebit"}

// TestVaultIsAskedAsLittleAsCanBe: once warm, a request waits for its writes to the
// ledger, one after another, and for nothing else of Vault. Each call over the border of
// the plugin takes a second.
func TestVaultIsAskedAsLittleAsCanBe(t *testing.T) {
	for _, s := range matrixSubjects(t) {
		t.Run(s.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, s)
				b.mint("r")
				b.listed()
				far := b.far()
				var lease *logical.Response
				writes := 2 * time.Second
				if slices.Contains(severalCalls, s.name()) {
					writes += time.Second
				}
				waited, calls := far.waited(func() { lease = b.mint("r") })
				require.Equal(t, writes, waited, "mint: %v", calls)
				require.Equal(t, int64(writes/time.Second), calls["write "+ledger.Prefix], "mint: %v", calls)

				b.listed()
				writes = time.Second
				if s.variant.Unlisted != "" {
					writes = 0 // It is refused.
				}
				waited, calls = far.waited(func() { require.NoError(t, b.lease(logical.RenewOperation, lease)) })
				require.Equal(t, writes, waited, "renew: %v", calls)

				waited, calls = far.waited(func() { require.NoError(t, b.revoke(lease)) })
				require.Equal(t, 2*time.Second, waited, "revoke: %v", calls)
			})
		})
	}
}

// A tune of the mount is obeyed by the next key, though it tells nobody, and at the cost
// of one write.
func TestATuneIsObeyedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		lease := d.mint("trader")
		require.Equal(t, time.Hour, lease.Secret.MaxTTL)
		far := d.far()

		d.system.MaxLeaseTTLVal = 5 * time.Minute
		waited, calls := far.waited(func() { lease = d.mint("trader") })
		require.Equal(t, 3*time.Second, waited, "%v", calls)
		require.Equal(t, 5*time.Minute, lease.Secret.TTL)
		require.Equal(t, 5*time.Minute, lease.Secret.MaxTTL)
		entry := d.entry(lease.Data["key_id"].(string))
		require.Equal(t, 5*time.Minute, entry.HardLimit.Sub(entry.Created))

		d.system.MaxLeaseTTLVal = 2 * time.Minute
		waited, calls = far.waited(func() {
			resp, err := d.leaseAnswer(logical.RenewOperation, lease, 4*time.Minute)
			require.NoError(t, err)
			require.Equal(t, 2*time.Minute, resp.Secret.TTL.Round(time.Minute))
		})
		require.Equal(t, 2*time.Second, waited, "%v", calls)

		time.Sleep(2 * time.Minute)
		before := d.entry(entry.ID).Expires
		resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
		require.NoError(t, err)
		require.ErrorContains(t, resp.Error(), "maximum lifetime")
		require.Equal(t, before, d.entry(entry.ID).Expires)

		// A wish that was too much a moment ago is not refused.
		d.system.MaxLeaseTTLVal = time.Hour
		resp = d.must(logical.UpdateOperation, "creds/trader", map[string]any{"ttl": "9m"})
		require.Equal(t, 9*time.Minute, resp.Secret.TTL)
	})
}

// A lease that turns out too long once it was asked about makes no key.
func TestATuneThatRefusesAKeyLeavesNone(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.mint("trader")
	d.system.MaxLeaseTTLVal = 5 * time.Minute
	d.refused(logical.UpdateOperation, "creds/trader", map[string]any{"ttl": "6m"}, "ttl", "5m0s")
	require.Len(t, d.ledgerIDs(), 1)
	require.Len(t, d.sim.Keys(), 1)
}

// TestALeaseEndsWhileItsEndIsRecorded: that its key must go is written while the exchange
// deletes it, and so is not waited for. Whoever else asks is kept waiting, since only the
// ledger would remember.
func TestALeaseEndsWhileItsEndIsRecorded(t *testing.T) {
	for who, revoke := range revokers {
		t.Run(who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newBubbleDesk(t, "bybit")
				d.trader()
				lease := d.mint("trader")
				d.listed()
				far := d.far()
				require.NoError(t, d.sim.Inject(simulator.Fault{Exchange: "bybit", Operation: exchanges.OpDeleteKey, Kind: simulator.Slow, Delay: time.Second}))
				began := time.Now()
				waited, calls := far.waited(func() { require.NoError(t, revoke(d, lease)) })
				require.Equal(t, 2*time.Second, waited, "%v", calls)
				want := 2 * time.Second
				if who != "Vault" {
					want += time.Second
				}
				require.Equal(t, want, time.Since(began))
			})
		})
	}
}

// border is that between the plugin and Vault, which takes a second to cross.
type border struct {
	mu      sync.Mutex
	crosses int
	since   time.Time
	total   time.Duration
	calls   map[string]int64
}

// far puts Vault behind a border.
func (d *desk) far() *border {
	b := &border{}
	d.storage.Storage = farStorage{d.storage.Storage, b}
	d.engine.vault.SystemView = farSystem{d.engine.vault.SystemView, b}
	return b
}

// waited returns for how long the work waited for Vault, calls that were made beside
// others counted once, and the calls.
func (b *border) waited(work func()) (time.Duration, map[string]int64) {
	b.mu.Lock()
	b.total, b.calls = 0, map[string]int64{}
	b.mu.Unlock()
	work()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total, b.calls
}

// cross notes a call and makes it take its time.
func (b *border) cross(call string) {
	b.mu.Lock()
	b.calls[call]++
	if b.crosses++; b.crosses == 1 {
		b.since = time.Now()
	}
	b.mu.Unlock()
	time.Sleep(time.Second)
	b.mu.Lock()
	if b.crosses--; b.crosses == 0 {
		b.total += time.Since(b.since)
	}
	b.mu.Unlock()
}

type farStorage struct {
	logical.Storage
	border *border
}

func (s farStorage) List(ctx context.Context, prefix string) ([]string, error) {
	s.border.cross("list " + folder(prefix))
	return s.Storage.List(ctx, prefix)
}

func (s farStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	s.border.cross("read " + folder(key))
	return s.Storage.Get(ctx, key)
}

func (s farStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	s.border.cross("write " + folder(entry.Key))
	return s.Storage.Put(ctx, entry)
}

func (s farStorage) Delete(ctx context.Context, key string) error {
	s.border.cross("write " + folder(key))
	return s.Storage.Delete(ctx, key)
}

func folder(key string) string { return key[:strings.Index(key, "/")+1] }

type farSystem struct {
	logical.SystemView
	border *border
}

func (s farSystem) DefaultLeaseTTL() time.Duration {
	s.border.cross("DefaultLeaseTTL")
	return s.SystemView.DefaultLeaseTTL()
}

func (s farSystem) MaxLeaseTTL() time.Duration {
	s.border.cross("MaxLeaseTTL")
	return s.SystemView.MaxLeaseTTL()
}

func (s farSystem) ReplicationState() consts.ReplicationState {
	s.border.cross("ReplicationState")
	return s.SystemView.ReplicationState()
}

func (s farSystem) LocalMount() bool {
	s.border.cross("LocalMount")
	return s.SystemView.LocalMount()
}
