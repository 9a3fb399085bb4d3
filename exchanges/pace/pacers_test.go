package pace

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mints is the limit of an exchange that makes ten keys a second, one at once.
var mints = []Limit{{Name: mint, Allowed: 10, Per: time.Second}}

// Users of one limit keep it together.
func TestUsersShareAPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacers Pacers
		start := time.Now()
		var users sync.WaitGroup
		for range 6 {
			users.Go(func() {
				p, leave := pacers.Join([]string{"key"}, mints, 1)
				defer leave()
				for range 2 {
					assert.NoError(t, pass(t.Context(), p, turnOf(mint)))
				}
			})
		}
		users.Wait()
		require.Equal(t, 1100*time.Millisecond, time.Since(start), "twelve calls at ten a second")
	})
}

func TestWhoSharesAPacer(t *testing.T) {
	join := func(pacers *Pacers, names ...string) *Pacer {
		p, _ := pacers.Join(names, mints, 1)
		return p
	}
	var pacers Pacers
	untold := join(&pacers, "key 1")
	require.NotSame(t, untold, join(&pacers, "key 2"))
	require.Same(t, untold, join(&pacers, "account", "key 1"), "of which account the key is has been told")
	require.Same(t, untold, join(&pacers, "account", "key 3"), "another key of the account")
	require.Same(t, untold, join(&pacers, "key 3"))
	require.Same(t, untold, join(&pacers, "account", "key 2"), "the account counts before the key")

	require.NotSame(t, join(&pacers), join(&pacers), "what has no name is shared with nobody")
	var none *Pacers
	require.NotSame(t, join(none, "key"), join(none, "key"))
}

// The user who needs the most room is the one that counts.
func TestSmallestMultiplierCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacers Pacers
		gap := func(p *Pacer) time.Duration {
			require.NoError(t, pass(t.Context(), p, turnOf(mint)))
			start := time.Now()
			require.NoError(t, pass(t.Context(), p, turnOf(mint)))
			return time.Since(start)
		}
		p, _ := pacers.Join([]string{"key"}, mints, 0)
		require.Equal(t, 100*time.Millisecond, gap(p))
		_, leave := pacers.Join([]string{"key"}, mints, 0.5)
		require.Equal(t, 200*time.Millisecond, gap(p))
		_, leaveToo := pacers.Join([]string{"key"}, mints, 0.5)
		_, _ = pacers.Join([]string{"key"}, mints, 2)
		leave()
		leave() // Once is enough.
		require.Equal(t, 200*time.Millisecond, gap(p))
		leaveToo()
		require.Equal(t, 100*time.Millisecond, gap(p))
	})
}

// A user who leaves and comes back finds the pace as it was, the pause included.
func TestPaceIsKeptForWhoComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacers Pacers
		p, leave := pacers.Join([]string{"key"}, mints, 1)
		p.Refused(mint, time.Minute)
		leave()
		p, leave = pacers.Join([]string{"key"}, mints, 1)
		defer leave()
		start := time.Now()
		require.NoError(t, pass(t.Context(), p, turnOf(mint)))
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// Nothing is kept of a pacer that nobody uses and that is as good as new.
func TestPacersAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacers Pacers
		for n := range 99 {
			p, leave := pacers.Join([]string{fmt.Sprint("account ", n), fmt.Sprint("key ", n)}, mints, 1)
			switch n % 3 {
			case 0:
				require.NoError(t, pass(t.Context(), p, turnOf(mint)))
			case 1:
				p.Refused(mint, time.Hour)
			}
			leave()
		}
		require.Len(t, pacers.known, 2*66, "those that would be new are gone at once")
		time.Sleep(time.Second)
		_, leave := pacers.Join([]string{"key"}, mints, 1)
		require.Len(t, pacers.known, 2*33+1, "the calls made are forgotten, the refusals are not")
		time.Sleep(2 * MaxPause)
		leave()
		require.Empty(t, pacers.known)
	})
}

// A pacer in use is never forgotten, nor is one that a turn is still out of.
func TestPacersInUseAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pacers Pacers
		serial := []Limit{{Name: mint, Allowed: 10, Per: time.Second, Serial: true}}
		p, leave := pacers.Join([]string{"key"}, serial, 1)
		done, err := p.Wait(t.Context(), turnOf(mint))
		require.NoError(t, err)
		leave()
		time.Sleep(time.Hour)
		again, leave := pacers.Join([]string{"key"}, serial, 1)
		require.Same(t, p, again)
		done(Succeeded)
		_, leaveOther := pacers.Join([]string{"other"}, serial, 1)
		leaveOther()
		require.Len(t, pacers.known, 1)
		leave()
		require.Empty(t, pacers.known)
	})
}
