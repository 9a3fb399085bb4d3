package simulator

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
		limit      limit
		steps      []step
	}{
		{
			name: "the window rolls", multiplier: 1, limit: limit{quota: 2, window: time.Second},
			steps: []step{
				{at: 0, used: 1},
				{at: 600 * time.Millisecond, used: 2},
				{at: 900 * time.Millisecond, used: 2, exceeded: true, wait: 100 * time.Millisecond},
				{at: 1000 * time.Millisecond, used: 2},
				{at: 1100 * time.Millisecond, used: 2, exceeded: true, wait: 500 * time.Millisecond},
			},
		},
		{
			name: "weights add up", multiplier: 1, limit: limit{quota: 10, window: time.Minute, weight: 4},
			steps: []step{
				{at: 0, used: 4},
				{at: time.Second, used: 8},
				{at: 2 * time.Second, used: 8, exceeded: true, wait: 58 * time.Second},
			},
		},
		{
			name: "the multiplier widens", multiplier: 1.5, limit: limit{quota: 2, window: time.Second},
			steps: []step{{used: 1}, {used: 2}, {used: 3}, {used: 3, exceeded: true, wait: time.Second}},
		},
		{
			name: "a tiny multiplier still lets one in", multiplier: 0.001, limit: limit{quota: 20, window: time.Second, weight: 5},
			steps: []step{{used: 5}, {used: 5, exceeded: true, wait: time.Second}},
		},
		{
			name: "a ban outlasts the window", multiplier: 1, limit: limit{quota: 1, window: time.Second, ban: time.Minute},
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
				require.Equal(t, step.exceeded, q.exceeded, "step %d", i)
				require.Equal(t, step.used, q.used, "step %d", i)
				require.Equal(t, step.wait, q.wait, "step %d", i)
				require.Equal(t, q.allowed-q.used, q.remaining(), "step %d", i)
			}
		})
	}
}

func TestLimiterKeepsSubjectsApart(t *testing.T) {
	limiter, now, lim := newLimiter(1), time.Unix(1_700_000_000, 0), limit{quota: 1, window: time.Second}
	require.False(t, limiter.take("create", "a", lim, now).exceeded)
	require.False(t, limiter.take("create", "b", lim, now).exceeded, "another subject")
	require.False(t, limiter.take("delete", "a", lim, now).exceeded, "another bucket")
	require.False(t, limiter.take("create", "a", limit{quota: 1, window: time.Minute}, now).exceeded, "another limit")
	require.True(t, limiter.take("create", "a", lim, now).exceeded)
}
