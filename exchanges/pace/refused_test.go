package pace

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tenPerSecond is the pacer of an exchange that lets ten keys be deleted a second.
func tenPerSecond() *Pacer {
	return New([]Limit{{Name: revoke, Allowed: 10, Per: time.Second}}, 1)
}

// Whatever an exchange asks for, it is asked again after ten minutes.
func TestNoPauseIsLonger(t *testing.T) {
	for name, pause := range map[string]func(p *Pacer){
		"a pause":                  func(p *Pacer) { p.Pause(revoke, 7*24*time.Hour) },
		"a refusal":                func(p *Pacer) { p.Refused(revoke, 7*24*time.Hour) },
		"a pause of all":           func(p *Pacer) { p.Pause(All, 7*24*time.Hour) },
		"a pause that has no end":  func(p *Pacer) { p.Pause(revoke, 1<<63-1) },
		"a pause after another":    func(p *Pacer) { p.Pause(revoke, time.Minute); p.Pause(revoke, time.Hour) },
		"a pause before a shorter": func(p *Pacer) { p.Pause(revoke, time.Hour); p.Pause(revoke, time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := tenPerSecond()
				pause(p)
				start := time.Now()
				require.NoError(t, pass(t.Context(), p, turnOf(revoke)))
				require.Equal(t, MaxPause, time.Since(start))
			})
		})
	}
}

// After a refusal one turn at a time finds out whether it still holds; the others
// are told so at once, or as soon as they would wait in vain.
func TestOneTurnProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := tenPerSecond()
		p.Refused(revoke, time.Minute)
		var late *TooLateError
		require.ErrorAs(t, pass(t.Context(), p, within(time.Second, turnOf(revoke))), &late)
		require.Equal(t, TooLateError{Wait: time.Minute, Place: 1, Refused: true}, *late)

		time.Sleep(time.Minute)
		probe, err := p.Wait(t.Context(), turnOf(revoke))
		require.NoError(t, err)
		start := time.Now()
		require.ErrorAs(t, pass(t.Context(), p, within(0, turnOf(revoke))), &late)
		require.Equal(t, TooLateError{Wait: 100 * time.Millisecond, Place: 1, Refused: true, Probing: true}, *late)
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				assert.ErrorAs(t, pass(t.Context(), p, within(30*time.Second, turnOf(revoke))), new(*TooLateError))
				assert.Equal(t, 5*time.Second, time.Since(start))
			})
		}
		time.Sleep(5 * time.Second)
		p.Refused(revoke, time.Minute)
		probe(Unsettled)
		callers.Wait()

		time.Sleep(time.Minute)
		probe, err = p.Wait(t.Context(), turnOf(revoke))
		require.NoError(t, err)
		probe(Unsettled) // No answer came, so the next one probes.
		probe, err = p.Wait(t.Context(), turnOf(revoke))
		require.NoError(t, err)
		require.ErrorAs(t, pass(t.Context(), p, within(0, turnOf(revoke))), &late)
		probe(Answered)
		for range 3 {
			_, err := p.Wait(t.Context(), turnOf(revoke))
			require.NoError(t, err, "the limit is over, so that none waits for another's end")
		}
	})
}

// A turn that was taken before the refusal shows nothing.
func TestTurnsUnderWayProveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := tenPerSecond()
		before, err := p.Wait(t.Context(), turnOf(revoke))
		require.NoError(t, err)
		p.Refused(revoke, time.Second)
		before(Succeeded)
		_, err = p.Wait(t.Context(), turnOf(revoke))
		require.NoError(t, err)
		require.ErrorAs(t, pass(t.Context(), p, within(0, turnOf(revoke))), new(*TooLateError))
	})
}

// A quota that was used up is known to be whole again when its pause is over.
func TestNoProbeAfterAPauseThatWasForetold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New([]Limit{{Name: revoke, Allowed: 100, Per: time.Second}}, 1)
		p.Pause(revoke, time.Second)
		for range 3 {
			_, err := p.Wait(t.Context(), turnOf(revoke))
			require.NoError(t, err)
		}
	})
}
