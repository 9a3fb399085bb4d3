package backend

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// storm is a desk at an exchange that keeps to its documented limits, as does the engine.
type storm struct {
	*desk
	exchange string
	requests atomic.Int64
	// refused counts the calls that the exchange refused for their rate.
	refused atomic.Int64
}

// newStorm returns a storm for a test in a bubble.
func newStorm(t *testing.T, exchange string, subAccounts int) *storm {
	t.Helper()
	s := &storm{exchange: exchange}
	s.desk = newBubbleDeskWith(t, exchange, simulator.Options{SubAccounts: subAccounts}, func(transport http.RoundTripper) http.RoundTripper {
		return refusals{transport, &s.refused}
	})
	s.connect(exchange, map[string]any{"rate_multiplier": 1})
	for _, role := range []string{"many", "few"} {
		s.write("roles/"+role, map[string]any{
			"connection": exchange, "sub_accounts": s.sim.Exchange(exchange).SubAccounts, "scopes": "read", "max_wait": "1m", "ttl": "12h", "max_ttl": "24h",
		})
	}
	return s
}

// refusals counts the answers that refuse a call for its rate.
type refusals struct {
	http.RoundTripper
	n *atomic.Int64
}

func (r refusals) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if response.StatusCode == http.StatusTooManyRequests || bytes.Contains(body, []byte(`"retCode":10006`)) {
		r.n.Add(1)
	}
	return response, err
}

// ask makes a request beside others.
func (s *storm) ask(ctx context.Context, operation logical.Operation, path string, secret *logical.Secret) (*logical.Response, error) {
	resp, err := s.engine.HandleRequest(ctx, &logical.Request{
		ID: fmt.Sprintf("storm-%d", s.requests.Add(1)), Operation: operation, Path: path, Secret: secret, Storage: s.storage,
		Connection: &logical.Connection{RemoteAddr: "127.0.0.1"},
	})
	if err == nil && resp.IsError() {
		err = resp.Error()
	}
	return resp, err
}

// calls is what the exchange was asked so far, in what its limit counts.
func (s *storm) calls(costs map[exchanges.Operation]int) (used int) {
	for operation, cost := range costs {
		used += cost * s.sim.Calls(s.exchange, operation)
	}
	return used
}

// count counts what calls take of a limit from now on, until the end of each period; the
// result ends the counting.
func (s *storm) count(costs map[exchanges.Operation]int, period time.Duration) (end func() []int) {
	before := s.calls(costs)
	done := make(chan struct{})
	var used []int
	var counting sync.WaitGroup
	counting.Go(func() {
		ticks := time.NewTicker(period)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				used = append(used, s.calls(costs)-before)
			case <-done:
				return
			}
		}
	})
	return func() []int {
		close(done)
		counting.Wait()
		return used
	}
}

// mintMany has many callers of one role and few of another mint so many keys in all, a few
// more at the end, and returns their leases, how many each role had, and how long that took.
func (s *storm) mintMany(keys int) (leases []*logical.Response, of map[string]int, took time.Duration) {
	var mu sync.Mutex
	var callers sync.WaitGroup
	of = map[string]int{}
	began := time.Now()
	for i := range 40 {
		role := "many"
		if i < 8 {
			role = "few"
		}
		callers.Go(func() {
			for {
				mu.Lock()
				enough := len(leases) >= keys
				mu.Unlock()
				if enough {
					return
				}
				resp, err := s.ask(s.Context(), logical.ReadOperation, "creds/"+role, nil)
				if err != nil {
					time.Sleep(time.Second) // The queue is full.
					continue
				}
				resp.Secret.IssueTime = time.Now()
				mu.Lock()
				if leases = append(leases, resp); len(leases) == keys {
					took = time.Since(began)
				}
				if len(leases) <= keys {
					of[role]++
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	return leases, of, took
}

// Vault's attempts at a revocation: so many workers, so many attempts, and at least so long
// between the first two, twice as long after each.
const (
	vaultWorkers  = 200
	vaultAttempts = 6
	vaultPause    = 10 * time.Second
)

// endAll ends leases all at the same time, as Vault does, which gives up on some, and calls
// the sweeper as Vault does. It returns once all keys are gone: how many leases Vault
// gave up on, and how long that took.
func (s *storm) endAll(leases []*logical.Response) (givenUp int64, took time.Duration) {
	began := time.Now()
	ctx, stop := context.WithCancel(s.Context())
	var ticks, attempts sync.WaitGroup
	ticks.Go(func() {
		for exchanges.Sleep(ctx, time.Minute) == nil {
			_, _ = s.engine.HandleRequest(ctx, s.tickRequest())
		}
	})
	workers := make(chan struct{}, vaultWorkers)
	var lost atomic.Int64
	for _, lease := range leases {
		attempts.Go(func() {
			for n := range vaultAttempts {
				workers <- struct{}{}
				_, err := s.ask(ctx, logical.RevokeOperation, "", lease.Secret)
				<-workers
				if err == nil {
					return
				}
				time.Sleep(vaultPause << n)
			}
			lost.Add(1)
		})
	}
	for len(s.sim.Keys()) > 0 || len(s.ledgerIDs()) > 0 {
		time.Sleep(100 * time.Millisecond)
	}
	took = time.Since(began)
	attempts.Wait()
	stop()
	ticks.Wait()
	return lost.Load(), took
}

func (s *storm) tickRequest() *logical.Request {
	return &logical.Request{ID: "tick", Operation: logical.RollbackOperation, Storage: s.storage}
}

// TestStorms: with the documented limits on, what is minted and deleted is at least 95 % of
// what the exchange allows, no call is refused for its rate, few callers of a role get as
// much as many of another, and one list proves several deletions.
func TestStorms(t *testing.T) {
	t.Parallel()
	for exchange, about := range map[string]struct {
		subAccounts, keys int
		// mints and deletions are what the limit allows in a second, in what costs says that
		// each call takes of it.
		mints, deletions        float64
		mintCosts, deletionCost map[exchanges.Operation]int
		period                  time.Duration
		// lists is how many there are for a deletion at most.
		lists float64
	}{
		"bybit":   {50, 600, 1, 5, costs{exchanges.OpCreateKey: 1}, costs{exchanges.OpDeleteKey: 1}, time.Second, 0.3},
		"gate":    {100, 1900, 8, 8, costs{exchanges.OpCreateKey: 1}, costs{exchanges.OpDeleteKey: 1}, 10 * time.Second, 0.25},
		"kucoin":  {50, 300, 2000 / 30., 2000 / 30., costs{exchanges.OpCreateKey: 20}, costs{exchanges.OpDeleteKey: 30, exchanges.OpListKeys: 20}, 30 * time.Second, 0.35},
		"deribit": {16, 120, 20, 20, costs{exchanges.OpCreateKey: 1}, costs{exchanges.OpDeleteKey: 1, exchanges.OpListKeys: 1}, 5 * time.Second, 0.45},
	} {
		t.Run(exchange, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStorm(t, exchange, about.subAccounts)
				before := s.calls(costs{exchanges.OpCreateKey: 1})
				leases, of, took := s.mintMany(about.keys)
				share := float64(about.keys*about.mintCosts[exchanges.OpCreateKey]) / (about.mints * took.Seconds())
				t.Logf("%d mints in %s: %.0f %% of the limit, %v", about.keys, took.Round(time.Second), 100*share, of)
				if exchange != "deribit" { // Logins take their part of so few.
					assert.GreaterOrEqual(t, share, 0.95)
					assert.GreaterOrEqual(t, of["few"]*20, about.keys*9, "each of both roles has half: %v", of)
				}
				assert.Equal(t, len(leases), s.calls(costs{exchanges.OpCreateKey: 1})-before)

				time.Sleep(time.Minute) // Now a list must show every key.
				lists := s.calls(costs{exchanges.OpListKeys: 1})
				used := s.count(about.deletionCost, about.period)
				givenUp, took := s.endAll(leases)
				// A last key that is tried again says nothing of the rate.
				periods := int(took / about.period)
				share = float64(used()[periods-1]) / (about.deletions * about.period.Seconds() * float64(periods))
				perKey := float64(s.calls(costs{exchanges.OpListKeys: 1})-lists) / float64(len(leases))
				t.Logf("%d deletions in %s: %.1f %% of the limit, %.2f lists for each, %d leases given up", len(leases), took, 100*share, perKey, givenUp)
				assert.GreaterOrEqual(t, share, 0.95)
				assert.LessOrEqual(t, perKey, about.lists)
				assert.Zero(t, s.refused.Load(), "calls that the exchange refused for their rate")
				require.Empty(t, s.ledgerIDs())
			})
		})
	}
}

type costs = map[exchanges.Operation]int

// TestLeasesThatVaultGivesUpOn: a revocation storm that outlasts Vault's attempts ends all
// keys nonetheless, as fast as the exchange allows.
func TestLeasesThatVaultGivesUpOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStorm(t, "bybit", 50)
		leases, _, _ := s.mintMany(700)
		time.Sleep(time.Minute)
		// Room is left for another tool.
		s.write("config/bybit", map[string]any{"rate_multiplier": 0.2})
		before := s.calls(costs{exchanges.OpDeleteKey: 1})
		givenUp, took := s.endAll(leases)
		deletions := s.calls(costs{exchanges.OpDeleteKey: 1}) - before
		share := float64(len(leases)) / took.Seconds() // One a second is the limit.
		t.Logf("%d leases, of which Vault gave up on %d; the last key was gone after %s, %.1f %% of the limit, and %d deletions",
			len(leases), givenUp, took, 100*share, deletions)
		assert.GreaterOrEqual(t, share, 0.95)
		assert.LessOrEqual(t, deletions, len(leases)*101/100, "hardly any is made twice")
		require.Positive(t, givenUp)
		require.Zero(t, s.refused.Load())
		require.Empty(t, s.ledgerIDs())
	})
}
