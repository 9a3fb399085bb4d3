package backend

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// runs notes when jobs were run.
type runs struct {
	mu    sync.Mutex
	began map[string][]time.Duration
	start time.Time
	takes time.Duration
	next  func(job string) time.Time
}

func (r *runs) run(_ context.Context, _ logical.Storage, job string) time.Time {
	r.mu.Lock()
	r.began[job] = append(r.began[job], time.Since(r.start))
	r.mu.Unlock()
	time.Sleep(r.takes)
	if r.next == nil {
		return time.Time{}
	}
	return r.next(job)
}

func (r *runs) of(job string) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.began[job]
}

func newRuns() *runs { return &runs{began: map[string][]time.Duration{}, start: time.Now()} }

func TestSchedulerRunsJobsAtTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns()
		r.next = func(job string) time.Time {
			if job == "repeated" {
				return time.Now().Add(5 * time.Second)
			}
			return time.Time{}
		}
		a := newScheduler(time.Now, r.run)
		defer a.stop()
		a.set("later", r.start.Add(7*time.Second))
		a.set("past", r.start.Add(-time.Hour))
		a.wake("repeated")
		time.Sleep(time.Second)
		require.Empty(t, r.began, "a job ran on a node that may not write")

		a.start(&logical.InmemStorage{})
		time.Sleep(11 * time.Second)
		require.Equal(t, []time.Duration{7 * time.Second}, r.of("later"))
		require.Equal(t, []time.Duration{time.Second}, r.of("past"))
		require.Equal(t, []time.Duration{time.Second, 6 * time.Second, 11 * time.Second}, r.of("repeated"))
	})
}

func TestSchedulerRunsAJobOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns()
		r.takes = 3 * time.Second
		a := newScheduler(time.Now, r.run)
		defer a.stop()
		a.start(&logical.InmemStorage{})
		a.wake("job")
		time.Sleep(time.Second)
		a.wake("job")
		a.wake("job")
		time.Sleep(10 * time.Second)
		require.Equal(t, []time.Duration{0, 3 * time.Second}, r.of("job"), "woken while it ran, it runs once more")

		done, err := a.take(t.Context(), "job")
		require.NoError(t, err)
		a.wake("job")
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = a.take(soon, "job")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, r.of("job"), 2, "a job ran that somebody else was at work on")
		done()
		synctest.Wait()
		require.Len(t, r.of("job"), 3)
	})
}

func TestSchedulerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRuns()
		a := newScheduler(time.Now, r.run)
		a.start(&logical.InmemStorage{})
		done, err := a.take(t.Context(), "taken")
		require.NoError(t, err)
		ended := false
		require.True(t, a.spawn(done, func(ctx context.Context) { <-ctx.Done(); ended = true }))
		a.set("job", time.Now().Add(time.Second))
		a.stop()
		require.True(t, ended, "what was running was not waited for")
		a.wake("job")
		time.Sleep(time.Minute)
		require.Empty(t, r.began)
		require.False(t, a.spawn(func() {}, func(context.Context) { t.Error("ran after the end") }))
	})
}

// TestRootRotationStartsOnTime: between two of Vault's ticks too.
func TestRootRotationStartsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "deribit")
		d.connect("deribit", map[string]any{"rotation_period": "1h"})
		first := d.read("config/deribit")["api_key"]
		time.Sleep(10 * time.Minute)
		d.tick()
		time.Sleep(49*time.Minute + 50*time.Second)
		require.Equal(t, first, d.read("config/deribit")["api_key"])
		calls := d.sim.Calls("deribit", exchanges.OpAny)
		time.Sleep(11 * time.Second)
		require.Greater(t, d.sim.Calls("deribit", exchanges.OpAny), calls, "the rotation did not begin")
		time.Sleep(5 * time.Minute)
		require.NotEqual(t, first, d.read("config/deribit")["api_key"])
	})
}
