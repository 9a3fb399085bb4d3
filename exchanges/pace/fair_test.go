package pace

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// of is a mint's turn for a party.
func of(party string) Turn { return Turn{Of: mint, Party: party, Patience: Forever} }

// However many callers a party has, the others go as often.
func TestPartiesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		var mu sync.Mutex
		var order []string
		var callers sync.WaitGroup
		call := func(name string, turn Turn) {
			callers.Go(func() {
				assert.NoError(t, pass(t.Context(), p, turn))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		for _, name := range []string{"a1", "a2", "a3", "a4"} {
			call(name, of("a"))
		}
		call("b1", of("b"))
		call("b2", of("b"))
		call("c1", of("c"))
		call("deletion", urgent(of("a")))
		callers.Wait()
		require.Equal(t, []string{"deletion", "a1", "b1", "c1", "a2", "b2", "a3", "a4"}, order)
		require.Empty(t, p.queues[mint].others.parties, "nothing is kept of a party that nobody waits for")
	})
}

// One caller after another gets its share beside forty that never let go.
func TestOnePartyStarvesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const patience = 20 * time.Second
		p := onePerSecond()
		stop := make(chan struct{})
		var greedy sync.WaitGroup
		for range 40 {
			greedy.Go(func() {
				for {
					_ = pass(t.Context(), p, within(patience, of("greedy")))
					select {
					case <-stop:
						return
					case <-time.After(100 * time.Millisecond):
					}
				}
			})
		}
		time.Sleep(time.Minute)
		for range 10 {
			start := time.Now()
			require.NoError(t, pass(t.Context(), p, within(patience, of("patient"))))
			require.LessOrEqual(t, time.Since(start), 2*time.Second)
		}
		close(stop)
		greedy.Wait()
	})
}

// What a caller is told, and how long it may wait, goes by who goes ahead of it.
func TestWaitThatAPartyIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() { assert.NoError(t, pass(t.Context(), p, of("a"))) })
		}
		synctest.Wait()
		for party, want := range map[string]TooLateError{
			"a": {Wait: 6 * time.Second, Place: 6},
			"b": {Wait: 2 * time.Second, Place: 2},
		} {
			var late *TooLateError
			require.ErrorAs(t, pass(t.Context(), p, within(0, of(party))), &late)
			require.Equal(t, want, *late)
		}
		start := time.Now()
		require.NoError(t, pass(t.Context(), p, within(2*time.Second, of("b"))))
		require.Equal(t, 2*time.Second, time.Since(start))
		callers.Wait()
	})
}

// Who is overtaken so often that its turn comes too late is told before it has
// waited in vain.
func TestOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() {
			assert.ErrorAs(t, pass(t.Context(), p, within(3*time.Second, of("a"))), new(*TooLateError))
			assert.Equal(t, time.Second, time.Since(start))
		})
		synctest.Wait()
		for range 10 {
			callers.Go(func() { assert.NoError(t, pass(t.Context(), p, urgent(turnOf(mint)))) })
		}
		callers.Wait()
	})
}

// Behind a turn of which nobody knows when it ends, patience ends the wait.
func TestPatienceBehindATurnThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serialPacer(1)
		done, err := p.Wait(t.Context(), turnOf(approve))
		require.NoError(t, err)
		start := time.Now()
		require.ErrorAs(t, pass(t.Context(), p, within(3*time.Second, turnOf(approve))), new(*TooLateError))
		require.Equal(t, 3*time.Second, time.Since(start).Round(time.Millisecond))
		done(Succeeded)
		require.NoError(t, pass(t.Context(), p, within(0, turnOf(approve))))
	})
}

// What finishes a deletion goes before deletions that came earlier, and after what
// finishes others that came earlier.
func TestWhatFinishesGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := onePerSecond()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		var mu sync.Mutex
		var order []string
		var callers sync.WaitGroup
		for _, name := range []string{"mint", "deletion 1", "deletion 2", "proof 1", "proof 2"} {
			turn := of("a")
			turn.Urgent, turn.Finish = name != "mint", strings.HasPrefix(name, "proof")
			callers.Go(func() {
				assert.NoError(t, pass(t.Context(), p, turn))
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		callers.Wait()
		require.Equal(t, []string{"proof 1", "proof 2", "deletion 1", "deletion 2", "mint"}, order)
	})
}

// TestNearlyAllOfALimitIsUsed: in a storm, whatever turns weigh, and never more than the
// limit in any window, whatever pauses there are.
func TestNearlyAllOfALimitIsUsed(t *testing.T) {
	for _, limit := range []struct{ allowed, weight int }{{1, 1}, {5, 1}, {80, 1}, {100, 3}, {1200, 20}, {2000, 1}, {2000, 30}} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const per = 10 * time.Second
				q := newQueue(Limit{Allowed: limit.allowed, Per: per}, 1)
				random := rand.New(rand.NewPCG(1, uint64(limit.allowed)))
				type use struct {
					at     time.Time
					weight int
				}
				var uses []use
				take := func(weight int) {
					w := &waiter{weight: weight, series: weight, until: time.Now().Add(time.Hour)}
					_, err := q.wait(t.Context(), w)
					require.NoError(t, err)
					uses = append(uses, use{time.Now(), weight})
				}
				take(limit.weight)
				// Callers of all kinds, with pauses in which the bucket fills.
				for range 2000 {
					take(1 + random.IntN(limit.weight))
					if random.IntN(200) == 0 {
						time.Sleep(time.Duration(random.Int64N(int64(2 * per))))
					}
				}
				began, stormed := time.Now(), 0
				for time.Since(began) < 20*per {
					take(limit.weight)
					stormed += limit.weight
				}
				assert.GreaterOrEqual(t, float64(stormed), 0.95*20*float64(limit.allowed))

				from, sum := 0, 0
				for _, last := range uses {
					sum += last.weight
					for !uses[from].at.After(last.at.Add(-per)) {
						sum -= uses[from].weight
						from++
					}
					require.LessOrEqual(t, sum, limit.allowed)
				}
			})
		})
	}
}
