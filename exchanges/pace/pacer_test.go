package pace

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mint, revoke = "mint", "revoke"

// onePerSecond is the pacer of an exchange that makes one key per second.
func onePerSecond() *Pacer {
	return New([]Limit{{Name: mint, Allowed: 1, Per: time.Second}}, 1)
}

// turnOf is that of a patient caller who is in no hurry.
func turnOf(owner string) Turn { return Turn{Of: owner, Patience: Forever} }

// urgent makes a turn go ahead.
func urgent(turn Turn) Turn {
	turn.Urgent = true
	return turn
}

// within gives a caller that much patience.
func within(patience time.Duration, turn Turn) Turn {
	turn.Patience = patience
	return turn
}

// pass waits for a turn, and makes a call that takes no time.
func pass(ctx context.Context, p *Pacer, turn Turn) error {
	done, err := p.Wait(ctx, turn)
	if err == nil {
		done(Succeeded)
	}
	return err
}

// However hard callers press, no window of the documented length ever holds more
// calls than the limit allows, and the limit is made use of.
func TestPacerKeepsEveryWindow(t *testing.T) {
	for _, limit := range []Limit{
		{Allowed: 1, Per: time.Second},
		{Allowed: 5, Per: time.Second},
		{Allowed: 10, Per: time.Second},
		{Allowed: 20, Per: 2 * time.Second},
		{Allowed: 60, Per: time.Minute},
		{Allowed: 100, Per: 30 * time.Second},
	} {
		for _, multiplier := range []float64{0, 0.5, 1, 2.5} {
			t.Run(fmt.Sprintf("%d per %s times %g", limit.Allowed, limit.Per, multiplier), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testWindows(t, limit, multiplier) })
			})
		}
	}
}

func testWindows(t *testing.T, limit Limit, multiplier float64) {
	limit.Name = mint
	p := New([]Limit{limit}, multiplier)
	if multiplier == 0 {
		multiplier = 1
	}
	allowed := int(math.Ceil(float64(limit.Allowed) * multiplier))
	calls := 3*allowed + 3

	start := time.Now()
	var mu sync.Mutex
	var made []time.Time
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				assert.NoError(t, pass(t.Context(), p, turnOf(mint)))
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
	need := time.Duration(float64(len(made)) / (float64(limit.Allowed) * multiplier) * float64(limit.Per))
	require.Less(t, made[len(made)-1].Sub(start), 3*need/2, "the limit is hardly made use of")
}

func TestPacerLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))

		var mu sync.Mutex
		var order []string
		var callers sync.WaitGroup
		call := func(turn Turn, name string) {
			callers.Go(func() {
				assert.NoError(t, pass(t.Context(), p, turn))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait() // Until it has joined its lane.
		}
		call(turnOf(mint), "first mint")
		call(turnOf(mint), "second mint")
		call(urgent(turnOf(mint)), "first revocation")
		call(turnOf(mint), "third mint")
		call(urgent(turnOf(mint)), "second revocation")
		start := time.Now()
		callers.Wait()
		require.Equal(t, []string{"first revocation", "second revocation", "first mint", "second mint", "third mint"}, order)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

func TestPacerPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, within(0, turnOf(mint))), "a free turn takes no patience")

		refused := func(ctx context.Context, turn Turn, wait time.Duration) {
			t.Helper()
			start := time.Now()
			err := pass(ctx, p, turn)
			var late *TooLateError
			require.ErrorAs(t, err, &late)
			require.Equal(t, wait, late.Wait)
			require.ErrorContains(t, err, wait.String())
			require.Equal(t, start, time.Now(), "who would wait in vain must be told at once")
		}
		refused(t.Context(), within(0, turnOf(mint)), time.Second)
		refused(t.Context(), within(999*time.Millisecond, turnOf(mint)), time.Second)
		soon, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		refused(soon, turnOf(mint), time.Second)
		refused(soon, within(time.Hour, turnOf(mint)), time.Second)

		// Those ahead count, revocations only for those behind them.
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() { assert.NoError(t, pass(t.Context(), p, turnOf(mint))) })
		}
		synctest.Wait()
		refused(t.Context(), within(0, turnOf(mint)), 3*time.Second)
		refused(t.Context(), urgent(within(0, turnOf(mint))), time.Second)
		start := time.Now()
		require.NoError(t, pass(t.Context(), p, within(3*time.Second, turnOf(mint))))
		require.Equal(t, 3*time.Second, time.Since(start))
		callers.Wait()
	})
}

func TestPacerGivesUpItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() { gone <- pass(ctx, p, turnOf(mint)) }()
		synctest.Wait()
		var callers sync.WaitGroup
		callers.Go(func() { assert.NoError(t, pass(t.Context(), p, turnOf(mint))) })
		synctest.Wait()

		start := time.Now()
		cancel()
		err := <-gone
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, start, time.Now())
		callers.Wait()
		require.Equal(t, time.Second, time.Since(start), "the next one moves up")
		require.Empty(t, p.queues[mint].others.parties)
		require.Empty(t, p.queues[mint].urgent.parties)
	})
}

func TestPacerPause(t *testing.T) {
	waited := func(t *testing.T, p *Pacer, operation string) time.Duration {
		start := time.Now()
		require.NoError(t, pass(t.Context(), p, turnOf(operation)))
		return time.Since(start)
	}
	t.Run("one operation", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.Pause(mint, time.Minute)
			p.Pause(mint, time.Second) // A shorter pause does not end a longer one.
			require.Zero(t, waited(t, p, revoke))
			require.Equal(t, time.Minute, waited(t, p, mint))
			require.Equal(t, time.Second, waited(t, p, mint))
		})
	})
	t.Run("all operations", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.Pause(All, time.Minute)
			require.Equal(t, time.Minute, waited(t, p, mint))
			require.Zero(t, waited(t, p, revoke))
		})
	})
	t.Run("an operation without a limit of its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.Pause(revoke, time.Minute)
			require.Equal(t, time.Minute, waited(t, p, mint))
		})
	})
	t.Run("nothing to wait for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := onePerSecond()
			p.Pause(mint, -time.Minute)
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
				assert.NoError(t, pass(t.Context(), p, turnOf(mint)))
				done <- time.Since(start)
			}()
			synctest.Wait()
			p.Pause(mint, time.Minute)
			require.Equal(t, time.Minute, <-done)
		})
	})
}

// A limit for any request is shared by all operations, those with a limit of
// their own included.
func TestPacerSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New([]Limit{
			{Name: mint, Allowed: 5, Per: time.Second},
			{Name: All, Allowed: 1, Per: time.Second},
		}, 1)
		start := time.Now()
		for _, operation := range []string{mint, revoke, mint} {
			require.NoError(t, pass(t.Context(), p, turnOf(operation)))
		}
		require.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestPacerWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(nil, 1)
		start := time.Now()
		for range 1000 {
			require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		}
		require.Equal(t, start, time.Now())
	})
}

// Calls of different weights share one limit, and no window holds more weight
// than it allows.
func TestPacerWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const allowed = 100
		p := New([]Limit{{Name: "pool", Allowed: allowed, Per: 30 * time.Second}}, 1)
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
					done, err := p.Wait(t.Context(), Turn{Of: "pool", Weight: weight, Patience: Forever})
					assert.NoError(t, err)
					mu.Lock()
					all = append(all, made{time.Now(), max(weight, 1)})
					mu.Unlock()
					done(Succeeded)
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
		p := New([]Limit{{Name: mint, Allowed: 1, Per: 30 * time.Second, Fixed: true}}, 1000)
		start := time.Now()
		for range 3 {
			require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		}
		require.Equal(t, time.Minute, time.Since(start))
	})
}
