package backend

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// stuckStorage does not answer to a read of one entry until it is let go, and counts the
// reads of each.
type stuckStorage struct {
	logical.Storage
	key  string
	free chan struct{}
	mu   sync.Mutex
	read map[string]int
}

func (s *stuckStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	s.mu.Lock()
	s.read[key]++
	s.mu.Unlock()
	if key == s.key {
		select {
		case <-s.free:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.Storage.Get(ctx, key)
}

// startStuck starts the engine with the ledger's load stuck at an entry.
func (d *desk) startStuck(id string) *stuckStorage {
	d.Helper()
	s := &stuckStorage{Storage: d.storage.Storage, key: ledger.Prefix + id, free: make(chan struct{}), read: map[string]int{}}
	d.storage.Storage = s
	d.startLoading()
	synctest.Wait()
	return s
}

// TestNobodyWaitsForTheLoadWhoNeedsNotAll: while the ledger is being loaded, keys are
// revoked, renewed and swept, a kill switch is thrown and obeyed; a mint waits, and
// counts all keys.
func TestNobodyWaitsForTheLoadWhoNeedsNotAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		d.write("roles/trader", map[string]any{
			"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "ttl": "10m", "max_ttl": "2h", "max_live_keys": 5,
		})
		leases := []*logical.Response{d.mint("trader"), d.mint("trader"), d.mint("trader"), d.mint("trader")}
		d.listed()
		stuck := d.startStuck(leases[3].Data["key_id"].(string))

		began := time.Now()
		require.NoError(t, d.revoke(leases[0]))
		require.NoError(t, d.lease(logical.RenewOperation, leases[1]))
		require.Less(t, time.Since(began), time.Second, "nobody waited")

		var minting sync.WaitGroup
		var minted *logical.Response
		minting.Go(func() {
			minted, _ = d.engine.HandleRequest(d.Context(), d.request(logical.ReadOperation, "creds/trader", nil))
		})
		synctest.Wait()
		require.Nil(t, minted)
		close(stuck.free)
		minting.Wait()
		require.NotNil(t, minted)
		require.False(t, minted.IsError(), "%v", minted)
		require.EqualValues(t, 4, d.read("config/bybit")["live_keys"])
		require.Equal(t, 1, stuck.read[ledger.Prefix+leases[2].Data["key_id"].(string)], "the ledger is read once")
	})
}

// TestTheSweeperBeginsWithWhatIsLoaded: and goes by kill switches that were thrown before.
func TestTheSweeperBeginsWithWhatIsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		for range 300 {
			d.mint("trader")
		}
		d.listed()
		ids := d.ledgerIDs()
		require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "trader"))
		stuck := d.startStuck(ids[len(ids)-1])
		began := time.Now()
		d.sweep()
		require.Less(t, time.Since(began), time.Minute, "a sweep waits for no load")
		require.NotEmpty(t, d.sim.Keys())
		require.Less(t, len(d.sim.Keys()), 100)
		close(stuck.free)
		synctest.Wait()
		d.sweep()
		require.Empty(t, d.sim.Keys())
	})
}

// TestARenewalDuringTheLoadObeysTheKillSwitch: even one that was lifted since.
func TestARenewalDuringTheLoadObeysTheKillSwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		lease, other := d.mint("trader"), d.mint("trader")
		require.NoError(t, d.engine.ledger.Throw(t.Context(), d.storage, ledger.OfRole, "trader"))
		require.NoError(t, d.engine.ledger.Lift(t.Context(), d.storage, ledger.OfRole, "trader"))
		stuck := d.startStuck(other.Data["key_id"].(string))
		resp, err := d.leaseAnswer(logical.RenewOperation, lease, 0)
		require.NoError(t, err)
		require.ErrorContains(t, resp.Error(), "revoked")
		close(stuck.free)
	})
}

// TestAStepDownDuringTheLoadWaitsForNobody: the load ends with the mount.
func TestAStepDownDuringTheLoadWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.trader()
		d.startStuck(d.mint("trader").Data["key_id"].(string))
		began := time.Now()
		d.engine.clean(t.Context())
		require.Less(t, time.Since(began), time.Second)
		require.NotContains(t, d.log.String(), "could not be loaded")
	})
}

// TestAStepDownCutsARotationOff: it waits for two seconds, and the next node deletes the
// root key that nobody has.
func TestAStepDownCutsARotationOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, rotating)
		d.connect(rotating, map[string]any{"rotation_period": "1h", "request_timeout": "30s"})
		before := d.read("config/" + rotating)["api_key"]
		time.Sleep(2 * time.Hour)
		require.NoError(t, d.sim.Inject(simulator.Fault{Exchange: rotating, Operation: exchanges.OpCreateKey, Kind: simulator.Slow, Count: 1, Delay: time.Minute}))
		d.engine.rotator.start(d.storage)
		synctest.Wait()
		began := time.Now()
		d.engine.clean(t.Context())
		require.LessOrEqual(t, time.Since(began), rotateGrace+time.Second)

		d.sim.ClearFaults()
		d.start()
		require.NotEmpty(t, d.leftovers())
		require.Equal(t, before, d.read("config/" + rotating)["api_key"])
		time.Sleep(leftoverGrace)
		d.engine.tendRoots(t.Context(), d.storage)
		require.Empty(t, d.leftovers())
	})
}
