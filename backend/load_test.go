package backend

import (
	"context"
	"fmt"
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
// minted, revoked, renewed and swept, a kill switch is thrown and obeyed. All keys count.
func TestNobodyWaitsForTheLoadWhoNeedsNotAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.few(5)
		leases := []*logical.Response{d.mint("trader"), d.mint("trader"), d.mint("trader"), d.mint("trader")}
		d.listed()
		stuck := d.startStuck(leases[3].Data["key_id"].(string))

		began := time.Now()
		require.NoError(t, d.revoke(leases[0]))
		require.NoError(t, d.lease(logical.RenewOperation, leases[1]))
		leases = append(leases, d.mint("trader"), d.mint("trader"))
		require.Less(t, time.Since(began), 2*time.Second, "nobody waited")

		// Five keys are live, one of which is known by its id alone: the next mint waits to
		// know for sure, and is refused.
		var minting sync.WaitGroup
		var err error
		minting.Go(func() {
			_, err = d.engine.HandleRequest(d.Context(), d.request(logical.ReadOperation, "creds/trader", nil))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		require.NoError(t, err)
		close(stuck.free)
		minting.Wait()
		require.ErrorContains(t, err, "its max_live_keys")
		require.EqualValues(t, 5, d.read("config/bybit")["live_keys"])
		require.Equal(t, 1, stuck.read[ledger.Prefix+leases[2].Data["key_id"].(string)], "the ledger is read once")
	})
}

// few writes a role that may have so many keys, in one sub-account.
func (d *desk) few(keys int) {
	d.Helper()
	d.trader()
	d.write("roles/trader", map[string]any{
		"connection": "bybit", "sub_accounts": d.sim.Exchange("bybit").SubAccounts[0], "scopes": "read", "ttl": "10m", "max_ttl": "2h", "max_live_keys": keys,
	})
}

// asOlder gives a key's entry the id that an older version would have given it, and
// returns that.
func (d *desk) asOlder(lease *logical.Response) string {
	d.Helper()
	id := lease.Data["key_id"].(string)
	entry := d.entry(id)
	entry.ID = entry.Stem()
	require.Len(d, entry.ID, idLength)
	require.NoError(d, ledgerTable().Put(d.Context(), d.storage.Storage, entry.ID, entry))
	require.NoError(d, ledgerTable().Delete(d.Context(), d.storage.Storage, id))
	lease.Data["key_id"] = entry.ID
	lease.Secret.InternalData["key_id"] = entry.ID
	return entry.ID
}

// TestKeysOfAnOlderVersionCountToo: their ids do not say where, so that they are read
// before anything is minted. They are renewed and revoked as any other.
func TestKeysOfAnOlderVersionCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.few(3)
		older, lease := d.mint("trader"), d.mint("trader")
		d.listed()
		stuck := d.startStuck(d.asOlder(older))
		var minting sync.WaitGroup
		var minted *logical.Response
		minting.Go(func() {
			minted, _ = d.engine.HandleRequest(d.Context(), d.request(logical.ReadOperation, "creds/trader", nil))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		require.Nil(t, minted, "it is not known where the older key counts")
		close(stuck.free)
		minting.Wait()
		require.NotNil(t, minted)
		require.False(t, minted.IsError(), "%v", minted)
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.ErrorContains(t, err, "its max_live_keys")

		d.listed()
		require.NoError(t, d.lease(logical.RenewOperation, older))
		minted.Secret.IssueTime = time.Now()
		for _, lease := range []*logical.Response{older, lease, minted} {
			require.NoError(t, d.revoke(lease))
		}
		require.Empty(t, d.ledgerIDs())
		require.Empty(t, d.sim.Keys())
	})
}

// TestARequestRepeatedDuringTheLoadMintsOnce: Vault sends a request again after a crash.
// The first key, which nobody holds, is deleted, whatever version has made it.
func TestARequestRepeatedDuringTheLoadMintsOnce(t *testing.T) {
	for name, older := range map[string]bool{"by this version": false, "by an older one": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newBubbleDesk(t, "bybit")
				d.few(5)
				first := d.mint("trader")
				request := fmt.Sprintf("request-%d", d.requests)
				other := d.mint("trader")
				d.listed()
				if older {
					d.asOlder(first)
				}
				stuck := d.startStuck(other.Data["key_id"].(string))
				defer close(stuck.free)
				again := d.request(logical.ReadOperation, "creds/trader", nil)
				again.ID = request
				resp, err := d.send(again)
				require.NoError(t, err)
				require.False(t, resp.IsError(), "%v", resp)
				require.NotContains(t, d.ledgerIDs(), first.Data["key_id"])
				require.Len(t, d.sim.Keys(), 2, "the other's and this one's")
			})
		})
	}
}

// TestASignatureWaitsForNoLoad: a bot goes on trading after a failover.
func TestASignatureWaitsForNoLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.few(5)
		lease, other := d.mint("trader"), d.mint("trader")
		d.listed()
		stuck := d.startStuck(other.Data["key_id"].(string))
		defer close(stuck.free)
		began := time.Now()
		for _, id := range []string{lease.Data["key_id"].(string), "abcdefghijkl"} {
			key, known, err := d.engine.ledger.Lookup(t.Context(), d.storage, id)
			require.NoError(t, err)
			require.Equal(t, id == lease.Data["key_id"], known)
			require.Equal(t, known, key.State == ledger.Live && !key.Expires.IsZero())
		}
		require.Less(t, time.Since(began), time.Second)
	})
}

// TestTheSweeperBeginsWithWhatIsLoaded: and goes by kill switches that were thrown before.
func TestTheSweeperBeginsWithWhatIsLoaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "bybit")
		d.connect("bybit", nil)
		d.write("roles/trader", map[string]any{"connection": "bybit", "sub_accounts": d.sim.AddSubAccounts("bybit", 30), "scopes": "read"})
		for range 300 { // more than are read in a row
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
