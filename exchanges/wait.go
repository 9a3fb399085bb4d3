package exchanges

import (
	"context"
	"time"
)

// Sleep waits, or returns the context's error if the context ends first.
func Sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Doubling is the n-th gap (from 1) of a series that doubles from first until it
// reaches last.
func Doubling(first, last time.Duration, n int) time.Duration {
	gap := first
	for i := 1; i < n && gap < last; i++ {
		gap *= 2
	}
	return min(gap, last)
}
