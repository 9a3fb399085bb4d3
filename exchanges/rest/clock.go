package rest

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// clock keeps the exchange's clock minus ours.
type clock struct {
	mu       sync.Mutex
	offset   time.Duration
	measured bool
	// flight lets callers that find the clock unknown share one measurement.
	flight singleflight.Group
}

func (c *clock) get() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

func (c *clock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.measured = offset, true
}

func (c *clock) known() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.measured
}

// measureClock measures the offset if it is not yet known. A failure is not
// reported: the signed call that follows goes by our own clock, and says what
// is wrong.
func (c *Client) measureClock(ctx context.Context) {
	if c.config.ServerTime != nil && !c.clock.known() {
		c.resyncClock(ctx)
	}
}

// resyncClock measures the offset and reports whether it could.
func (c *Client) resyncClock(ctx context.Context) bool {
	if c.config.ServerTime == nil {
		return false
	}
	_, err, _ := c.clock.flight.Do("", func() (any, error) {
		before := time.Now()
		theirs, err := c.config.ServerTime(ctx, c)
		if err != nil {
			return nil, err
		}
		// The exchange read its clock about half-way between the two.
		ours := before.Add(time.Since(before) / 2)
		c.clock.set(theirs.Sub(ours))
		return nil, nil
	})
	return err == nil
}
