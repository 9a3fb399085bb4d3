package rest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

const mint, revoke = exchanges.OpCreateKey, exchanges.OpDeleteKey

// onePerSecond is the pacer of an exchange that makes one key per second.
func onePerSecond() *pacer {
	return newPacer([]exchanges.RateLimit{{Operation: mint, Requests: 1, Per: time.Second}}, 1)
}

// pass waits for a turn, and makes a call that takes no time.
func pass(ctx context.Context, p *pacer, operation exchanges.Operation) error {
	done, err := p.wait(ctx, Call{Operation: operation})
	if err == nil {
		done(true)
	}
	return err
}

// However hard callers press, no window of the documented length ever holds more
// calls than the limit allows, and the limit is made use of.
func TestPacerKeepsEveryWindow(t *testing.T) {
	for _, limit := range []exchanges.RateLimit{
		{Requests: 1, Per: time.Second},
		{Requests: 5, Per: time.Second},
		{Requests: 10, Per: time.Second},
		{Requests: 20, Per: 2 * time.Second},
		{Requests: 60, Per: time.Minute},
		{Requests: 100, Per: 30 * time.Second},
	} {
		for _, multiplier := range []float64{0, 0.5, 1, 2.5} {
			t.Run(fmt.Sprintf("%s times %g", limit, multiplier), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testWindows(t, limit, multiplier) })
			})
		}
	}
}

func testWindows(t *testing.T, limit exchanges.RateLimit, multiplier float64) {
	limit.Operation = mint
	p := newPacer([]exchanges.RateLimit{limit}, multiplier)
	if multiplier == 0 {
		multiplier = 1
	}
	allowed := int(math.Ceil(float64(limit.Requests) * multiplier))
	calls := 3*allowed + 3

	start := time.Now()
	var mu sync.Mutex
	var made []time.Time
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				assert.NoError(t, pass(t.Context(), p, mint))
				mu.Lock()
				made = append(made, time.Now())
				enough := len(made) >= calls
				mu.Unlock()
				if enough {
					return
				}
			}
		})
	}
	callers.Wait()

	for i := range made {
		inWindow := 0
		for _, at := range made[i:] {
			if at.Sub(made[i]) < limit.Per {
				inWindow++
			}
		}
		require.LessOrEqual(t, inWindow, allowed, "calls in the window from %s on", made[i].Sub(start))
	}
	need := time.Duration(float64(len(made)) / (float64(limit.Requests) * multiplier) * float64(limit.Per))
	require.Less(t, made[len(made)-1].Sub(start), 3*need/2, "the limit is hardly made use of")
}

func TestPacerLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, mint))

		var mu sync.Mutex
		var order []string
		var callers sync.WaitGroup
		call := func(ctx context.Context, name string) {
			callers.Go(func() {
				assert.NoError(t, pass(ctx, p, mint))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait() // Until it has joined its lane.
		}
		revoking := exchanges.WithRevoking(t.Context())
		call(t.Context(), "first mint")
		call(t.Context(), "second mint")
		call(revoking, "first revocation")
		call(t.Context(), "third mint")
		call(revoking, "second revocation")
		start := time.Now()
		callers.Wait()
		require.Equal(t, []string{"first revocation", "second revocation", "first mint", "second mint", "third mint"}, order)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestPacerPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(exchanges.WithPatience(t.Context(), 0), p, mint), "a free turn takes no patience")

		refused := func(ctx context.Context, wait time.Duration) {
			t.Helper()
			start := time.Now()
			err := pass(ctx, p, mint)
			require.ErrorIs(t, err, exchanges.ErrRateLimited)
			var failure *exchanges.Error
			require.True(t, errors.As(err, &failure))
			require.Equal(t, wait, failure.RetryAfter)
			require.Contains(t, failure.Message, wait.String())
			require.Equal(t, start, time.Now(), "who would wait in vain must be told at once")
		}
		refused(exchanges.WithPatience(t.Context(), 0), time.Second)
		refused(exchanges.WithPatience(t.Context(), 999*time.Millisecond), time.Second)
		soon, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		refused(soon, time.Second)
		refused(exchanges.WithPatience(soon, time.Hour), time.Second)

		// Those ahead count, revocations only for those behind them.
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() { assert.NoError(t, pass(t.Context(), p, mint)) })
		}
		synctest.Wait()
		refused(exchanges.WithPatience(t.Context(), 0), 3*time.Second)
		refused(exchanges.WithPatience(exchanges.WithRevoking(t.Context()), 0), time.Second)
		start := time.Now()
		require.NoError(t, pass(exchanges.WithPatience(t.Context(), 3*time.Second), p, mint))
		require.Equal(t, 3*time.Second, time.Since(start))
		callers.Wait()
	})
}

func TestPacerGivesUpItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, mint))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- pass(ctx, p, mint) }()
		synctest.Wait()
		var callers sync.WaitGroup
		callers.Go(func() { assert.NoError(t, pass(t.Context(), p, mint)) })
		synctest.Wait()

		start := time.Now()
		cancel()
		err := <-gone
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, start, time.Now())
		callers.Wait()
		require.Equal(t, time.Second, time.Since(start), "the next one moves up")
		for lane, waiting := range p.queues[mint].waiting {
			require.Empty(t, waiting, "lane %d", lane)
		}
	})
}

func TestPacerPause(t *testing.T) {
	waited := func(t *testing.T, p *pacer, operation exchanges.Operation) time.Duration {
		start := time.Now()
		require.NoError(t, pass(t.Context(), p, operation))
		return time.Since(start)
	}
	t.Run("one operation", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.pause(mint, time.Minute)
			p.pause(mint, time.Second) // A shorter pause does not end a longer one.
			require.Zero(t, waited(t, p, revoke))
			require.Equal(t, time.Minute, waited(t, p, mint))
			require.Equal(t, time.Second, waited(t, p, mint))
		})
	})
	t.Run("all operations", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.pause(exchanges.OpAny, time.Minute)
			require.Equal(t, time.Minute, waited(t, p, mint))
			require.Zero(t, waited(t, p, revoke))
		})
	})
	t.Run("an operation without a limit of its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.pause(revoke, time.Minute)
			require.Equal(t, time.Minute, waited(t, p, mint))
		})
	})
	t.Run("nothing to wait for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.pause(mint, -time.Minute)
			require.Zero(t, waited(t, p, mint))
		})
	})
	t.Run("those who wait already", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			waited(t, p, mint)
			start := time.Now()
			done := make(chan time.Duration, 1)
			go func() {
				assert.NoError(t, pass(t.Context(), p, mint))
				done <- time.Since(start)
			}()
			synctest.Wait()
			p.pause(mint, time.Minute)
			require.Equal(t, time.Minute, <-done)
		})
	})
}

// A limit for any request is shared by all operations, those with a limit of
// their own included.
func TestPacerSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer([]exchanges.RateLimit{
			{Operation: mint, Requests: 5, Per: time.Second},
			{Operation: exchanges.OpAny, Requests: 1, Per: time.Second},
		}, 1)
		start := time.Now()
		for _, operation := range []exchanges.Operation{mint, revoke, mint} {
			require.NoError(t, pass(t.Context(), p, operation))
		}
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestPacerWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(nil, 1)
		start := time.Now()
		for range 1000 {
			require.NoError(t, pass(t.Context(), p, mint))
		}
		require.Equal(t, start, time.Now())
	})
}

// Calls of different weights share one limit, and no window holds more weight
// than it allows.
func TestPacerWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const allowed = 100
		p := newPacer([]exchanges.RateLimit{{Operation: "pool", Requests: allowed, Per: 30 * time.Second}}, 1)
		type made struct {
			at     time.Time
			weight int
		}
		var mu sync.Mutex
		var all []made
		var callers sync.WaitGroup
		for _, weight := range []int{1, 20, 30, 0} {
			callers.Go(func() {
				for range 12 {
					done, err := p.wait(t.Context(), Call{Operation: mint, Limit: "pool", Weight: weight})
					assert.NoError(t, err)
					mu.Lock()
					all = append(all, made{time.Now(), max(weight, 1)})
					mu.Unlock()
					done(true)
				}
			})
		}
		callers.Wait()
		require.Len(t, all, 48)
		for i := range all {
			inWindow := 0
			for _, other := range all[i:] {
				if other.at.Sub(all[i].at) < 30*time.Second {
					inWindow += other.weight
				}
			}
			require.LessOrEqual(t, inWindow, allowed)
		}
	})
}

// A fixed limit is what it is, whatever the account has been granted.
func TestPacerFixedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer([]exchanges.RateLimit{{Operation: mint, Requests: 1, Per: 30 * time.Second, Fixed: true}}, 1000)
		start := time.Now()
		for range 3 {
			require.NoError(t, pass(t.Context(), p, mint))
		}
		require.Equal(t, time.Minute, time.Since(start))
	})
}

func TestClientWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}}, func(c *Config) {
			c.Limits = []exchanges.RateLimit{{Operation: exchanges.OpOneTimeCode, Requests: 1, Per: 30 * time.Second}}
		})
		require.NoError(t, client.Wait(t.Context(), "anything else", 5))
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 2))
		err := client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 2)
		require.ErrorIs(t, err, exchanges.ErrRateLimited, "the second of two turns comes too late")
		require.ErrorContains(t, err, "example: one-time code: ")
		start := time.Now()
		require.NoError(t, client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 1))
		require.Equal(t, 30*time.Second, time.Since(start))

		client.Pause(exchanges.OpOneTimeCode, time.Hour)
		start = time.Now()
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 1))
		require.Equal(t, time.Hour, time.Since(start))
	})
}
