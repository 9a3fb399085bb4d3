package venue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLimiter(t *testing.T) {
	type step struct {
		at       time.Duration // since the start
		exceeded bool
		used     int
		wait     time.Duration
	}
	tests := []struct {
		name       string
		multiplier float64
		limit      Limit
		steps      []step
	}{
		{
			name: "the window rolls", multiplier: 1, limit: Limit{Quota: 2, Window: time.Second},
			steps: []step{
				{at: 0, used: 1},
				{at: 600 * time.Millisecond, used: 2},
				{at: 900 * time.Millisecond, used: 2, exceeded: true, wait: 100 * time.Millisecond},
				{at: 1000 * time.Millisecond, used: 2},
				{at: 1100 * time.Millisecond, used: 2, exceeded: true, wait: 500 * time.Millisecond},
			},
		},
		{
			name: "weights add up", multiplier: 1, limit: Limit{Quota: 10, Window: time.Minute, Weight: 4},
			steps: []step{
				{at: 0, used: 4},
				{at: time.Second, used: 8},
				{at: 2 * time.Second, used: 8, exceeded: true, wait: 58 * time.Second},
			},
		},
		{
			name: "the multiplier widens", multiplier: 1.5, limit: Limit{Quota: 2, Window: time.Second},
			steps: []step{{used: 1}, {used: 2}, {used: 3}, {used: 3, exceeded: true, wait: time.Second}},
		},
		{
			name: "a tiny multiplier still lets one in", multiplier: 0.001, limit: Limit{Quota: 20, Window: time.Second, Weight: 5},
			steps: []step{{used: 5}, {used: 5, exceeded: true, wait: time.Second}},
		},
		{
			name: "a ban outlasts the window", multiplier: 1, limit: Limit{Quota: 1, Window: time.Second, Ban: time.Minute},
			steps: []step{
				{at: 0, used: 1},
				{at: 0, used: 1, exceeded: true, wait: time.Minute},
				{at: 59 * time.Second, exceeded: true, wait: time.Second},
				{at: 60 * time.Second, used: 1},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			start := time.Unix(1_700_000_000, 0)
			limiter := newLimiter(test.multiplier)
			for i, step := range test.steps {
				q := limiter.take("bucket", "subject", test.limit, start.Add(step.at))
				require.Equal(t, step.exceeded, q.Exceeded, "step %d", i)
				require.Equal(t, step.used, q.Used, "step %d", i)
				require.Equal(t, step.wait, q.Wait, "step %d", i)
				require.Equal(t, q.Allowed-q.Used, q.Remaining(), "step %d", i)
			}
		})
	}
}

func TestLimiterKeepsSubjectsApart(t *testing.T) {
	limiter, now, lim := newLimiter(1), time.Unix(1_700_000_000, 0), Limit{Quota: 1, Window: time.Second}
	require.False(t, limiter.take("create", "a", lim, now).Exceeded)
	require.False(t, limiter.take("create", "b", lim, now).Exceeded, "another subject")
	require.False(t, limiter.take("delete", "a", lim, now).Exceeded, "another bucket")
	require.False(t, limiter.take("create", "a", Limit{Quota: 1, Window: time.Minute}, now).Exceeded, "another limit")
	require.True(t, limiter.take("create", "a", lim, now).Exceeded)
}

// BenchmarkTake counts a request in a window that holds many.
func BenchmarkTake(b *testing.B) {
	limiter, now := newLimiter(1e6), time.Unix(1_700_000_000, 0)
	lim := Limit{Quota: 600, Window: 5 * time.Second}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(500 * time.Microsecond)
		limiter.take("http", "127.0.0.1", lim, now)
	}
}
