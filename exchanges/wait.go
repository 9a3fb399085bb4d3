package exchanges

import (
	"context"
	"errors"
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

// RetryDelay is how long to wait after the n-th failed attempt (from 1) of a series
// whose gaps double from first to last. Where the failure says how long, such as until
// the exchange's rate limit allows the next call, it is that; but nothing that an
// exchange says puts an attempt off by more than last.
func RetryDelay(first, last time.Duration, n int, failure error) time.Duration {
	var refused *Error
	if errors.As(failure, &refused) && (refused.Kind == ErrRateLimited || refused.RetryAfter > 0) {
		return min(max(refused.RetryAfter, time.Second), last)
	}
	return Doubling(first, last, n)
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
