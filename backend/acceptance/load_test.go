package acceptance_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// distantVenues are the exchanges of the load, each with what its roles give. They are
// exchanges with labels, by which a key whose create answer was lost is found.
func distantVenues() map[string]fields {
	return map[string]fields{
		"binance": {"scopes": "read"},
		"bybit":   {"scopes": "read,trade:spot", "ip_allowlist": "127.0.0.1"},
		"okx":     {"scopes": "read", "ip_allowlist": "127.0.0.1"},
	}
}

const (
	// callersOfLoad is how many callers there are at a time.
	callersOfLoad = 6
	// settling is how long the sweeper takes for a key whose create answer was
	// lost: two minutes in which the call could still be on its way, up to one
	// until Vault calls the sweeper, and as long again after a failure.
	settling = 6 * time.Minute
)

// enableDistant mounts the engine with a connection and a role for each of the
// exchanges of the load, which are as far away as real ones.
func enableDistant(t *testing.T, vault *vaulttest.Cluster) *engine {
	simulated := simulator.New(simulator.Options{RateMultiplier: hurried, SubAccounts: 10}, all.Venues()...)
	require.NoError(t, simulated.Start("127.0.0.1", 0))
	t.Cleanup(func() { require.NoError(t, simulated.Close()) })
	e := enableBeside(t, vault, simulated)
	for exchange, role := range distantVenues() {
		access := simulated.Exchange(exchange)
		e.write(t, "config/"+exchange, root(access, exchange).with(fields{"base_url": distant(t, access.BaseURL)}))
		e.write(t, "roles/"+exchange, role.with(fields{
			"connection": exchange, "sub_accounts": access.SubAccounts, "ttl": shortLease.String(), "max_ttl": "2h",
		}))
	}
	return e
}

// load is a number of callers who mint, renew and revoke keys all the time.
type load struct {
	engine  *engine
	callers []*caller
	// minted counts the keys that callers got.
	minted atomic.Int64
	stop   context.CancelFunc
	work   sync.WaitGroup
}

// startLoad starts callers of the servers, in turn, which go on until the load or
// the test ends. The same seed makes them choose alike.
func startLoad(t *testing.T, e *engine, seed uint64, servers ...*vaulttest.Server) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{engine: e, stop: stop}
	t.Cleanup(l.end)
	for i := range callersOfLoad {
		c := &caller{
			engine: e, client: servers[i%len(servers)].Client(t), minted: &l.minted,
			random: rand.New(rand.NewPCG(seed, uint64(i)+1)),
		}
		l.callers = append(l.callers, c)
		l.work.Go(func() { c.run(ctx, t) })
	}
	e.write(t, "roles/"+idle, fields{
		"connection": bybit, "sub_accounts": e.simulator.Exchange(bybit).SubAccounts[0], "scopes": "read",
	})
	l.work.Go(func() { sweepOften(ctx, t, e) })
	return l
}

// idle is a role that nobody uses.
const idle = "idle"

// sweepOften has what is due deleted every second. Vault calls the sweeper once it
// has run for a minute, and so never where it is killed all the time; the kill
// switch of a role that nobody uses does the same at once.
func sweepOften(ctx context.Context, t *testing.T, e *engine) {
	for tick := time.Tick(time.Second); ; {
		select {
		case <-tick:
			_ = e.tryWrite(t, "roles/"+idle+"/revoke-all", nil) // a server that is gone sweeps nothing
		case <-ctx.Done():
			return
		}
	}
}

// end lets the callers finish what they are at. What they hold they keep.
func (l *load) end() {
	l.stop()
	l.work.Wait()
}

// goesOn waits until callers get keys again.
func (l *load) goesOn(t *testing.T) {
	before := l.minted.Load()
	require.Eventually(t, func() bool { return l.minted.Load() >= before+callersOfLoad }, 2*soon, often, "no keys are minted")
}

// settle brings what an ended load has left to an end. The callers give up half of
// the keys that they hold, and ask again for the revocations that they got no
// answer to. What no lease names, since its request was interrupted, is left to
// the sweeper, which takes minutes, or else deleted in the ledger by hand.
//
// In the end the exchanges have the keys that leases name and no others, those
// that the callers still hold among them.
func (l *load) settle(t *testing.T, byHand bool) inventory {
	e := l.engine
	last := e.mint(t, bybit)
	last.renew(t, int(longLease.Seconds()))
	holdings := []*holding{{last, time.Now().Add(longLease - soon)}}
	for _, c := range l.callers {
		for _, lease := range c.unanswered {
			e.revokeInTheEnd(t, lease)
		}
		for i, h := range c.holds {
			if i%2 == 0 {
				holdings = append(holdings, h)
			} else {
				e.revokeInTheEnd(t, h.LeaseID)
			}
		}
	}

	patience := settling
	if byHand {
		// Vault waits between its attempts to end a lease, longer each time.
		patience = soon + shortLease + 2*unseen
	}
	var left inventory
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		left = e.inventory(t)
		assert.Empty(c, left.orphans(), "keys at an exchange that no lease names")
		assert.Empty(c, left.missing(), "leases without their keys")
		if !byHand {
			assert.Empty(c, left.unleased(), "keys in the ledger that no lease names")
			return
		}
		for _, id := range left.unleased() {
			// A key in doubt stays in the ledger for a while, even if it is gone.
			_ = e.tryDelete(t, "keys/"+id)
		}
	}, patience, 10*often)

	for _, h := range holdings {
		works := h.use(t) == nil && h.exists()
		if !h.over() { // nor was it when the key was used
			require.True(t, works, "key %s does not work", h.text("key_id"))
			require.Equal(t, h.text("api_key"), left.leased[h.text("key_id")])
		}
	}
	return left
}

// revokeInTheEnd revokes a lease. If an earlier revocation was cut off once the key was
// deleted, the key is only known to be gone when the exchange must show it if it is
// there.
func (e *engine) revokeInTheEnd(t *testing.T, lease string) {
	require.EventuallyWithT(t, func(c *assert.CollectT) { assert.NoError(c, e.tryRevoke(t, lease)) }, unseen+soon, 10*often)
}
