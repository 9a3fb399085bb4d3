package pace

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const approve = "approve agent"

// serialPacer is that of an exchange where creations and deletions are one
// operation, of which one must have ended before the next.
func serialPacer(multiplier float64) *Pacer {
	return New([]Limit{{Name: approve, Allowed: 1000, Per: time.Second, Serial: true}}, multiplier)
}

func TestSerialCallsNeverMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serialPacer(1)
		running, most := 0, 0
		ended := make(chan string, 20)
		call := func(operation string, turn Turn) {
			done, err := p.Wait(t.Context(), turn)
			require.NoError(t, err)
			running++
			most = max(most, running)
			time.Sleep(time.Second)
			running--
			ended <- operation
			done(Succeeded)
		}
		for range 10 {
			go call(mint, turnOf(approve))
		}
		synctest.Wait()
		go call(revoke, urgent(turnOf(approve)))
		for i := range 11 {
			operation := <-ended
			require.Equal(t, i == 1, operation == revoke, "call %d was %s: the revocation goes ahead of all that wait", i, operation)
		}
		require.Equal(t, 1, most)
	})
}

// A serial limit of all calls keeps those apart that have limits of their own.
func TestSerialCallsOfAnyOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New([]Limit{
			{Name: All, Allowed: 1000, Per: time.Second, Serial: true},
			{Name: mint, Allowed: 1000, Per: time.Second, Serial: true},
		}, 1)
		start, running := time.Now(), 0
		var calls sync.WaitGroup
		for _, operation := range []string{mint, revoke, mint, revoke, mint} {
			calls.Go(func() {
				done, err := p.Wait(t.Context(), Turn{Of: operation, CoolDown: time.Minute, Patience: Forever})
				assert.NoError(t, err)
				running++
				assert.Equal(t, 1, running)
				time.Sleep(time.Second)
				running--
				if operation == revoke {
					done(Succeeded)
				} else {
					done(Answered)
				}
			})
		}
		calls.Wait()
		require.Equal(t, 5*time.Second, time.Since(start), "a cool-down is that of an operation's own limit")
	})
}

// A call that gives up its place, or never gets one, holds nobody back.
func TestSerialCallGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := serialPacer(1)
		first, err := p.Wait(t.Context(), turnOf(approve))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.Wait(ctx, turnOf(approve))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		first(Unsettled)
		second, err := p.Wait(t.Context(), turnOf(approve))
		require.NoError(t, err)
		second(Succeeded)

		// Refused by the limit that all calls share.
		p.Pause(All, time.Minute)
		_, err = p.Wait(t.Context(), within(time.Second, turnOf(approve)))
		require.ErrorAs(t, err, new(*TooLateError))
		time.Sleep(time.Minute)
		third, err := p.Wait(t.Context(), turnOf(approve))
		require.NoError(t, err)
		third(Succeeded)
	})
}

func TestCoolDown(t *testing.T) {
	for name, test := range map[string]struct {
		multiplier float64
		outcome    Outcome
		wait       time.Duration
	}{
		"after a success":              {1, Succeeded, 5 * time.Second},
		"at twice the documented rate": {2, Succeeded, 5 * time.Second / 2},
		"not after a failure":          {1, Answered, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := serialPacer(test.multiplier)
				done, err := p.Wait(t.Context(), Turn{Of: approve, CoolDown: 5 * time.Second, Patience: Forever})
				require.NoError(t, err)
				done(test.outcome)
				start := time.Now()
				_, err = p.Wait(t.Context(), turnOf(approve))
				require.NoError(t, err)
				require.Equal(t, test.wait, time.Since(start))
			})
		})
	}
}

// Weights add up to no more than the limit in any window, those of calls that
// weigh more than the first burst included.
func TestWeights(t *testing.T) {
	for _, weight := range []int{0, 1, 20, 60, 200} {
		synctest.Test(t, func(t *testing.T) {
			const allowed = 600
			p := New([]Limit{{Name: All, Allowed: allowed, Per: time.Minute}}, 1)
			var at []time.Time
			for range 3 * allowed / max(weight, 1) {
				_, err := p.Wait(t.Context(), Turn{Of: mint, Weight: weight, Patience: Forever})
				require.NoError(t, err)
				at = append(at, time.Now())
			}
			for i, first := range at {
				inWindow := 0
				for _, other := range at[i:] {
					if other.Sub(first) < time.Minute {
						inWindow += max(weight, 1)
					}
				}
				require.LessOrEqual(t, inWindow, allowed)
			}
			took := at[len(at)-1].Sub(at[0])
			require.Less(t, took, 4*time.Minute, "weight %d: the limit is made use of", weight)
		})
	}
}
