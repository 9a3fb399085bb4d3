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

// The waits between tries of something that a new key cannot do yet. Together they
// last as long as [Variant.Staleness] gives a list of which nothing is documented.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 16 * time.Second
)

// Patiently tries something that concerns a new key until it is done, or an exchange
// must have settled what it was asked to do: for about half a minute. It returns the
// context's error if that ends a wait; what came of the last try is the caller's.
func Patiently(ctx context.Context, try func() (done bool)) error {
	for wait := firstWait; !try() && wait <= lastWait; wait *= 2 {
		if err := Sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}
