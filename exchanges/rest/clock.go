package rest

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// clock keeps the exchange's clock minus ours.
type clock struct {
	mu       sync.Mutex
	offset   time.Duration
	measured bool
	// askAgain is when the exchange, which did not answer in time, is asked again.
	askAgain time.Time
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

// wanted reports whether the offset is not yet known and may be asked for.
func (c *clock) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.measured && !time.Now().Before(c.askAgain)
}

// unanswered notes that the exchange did not tell its time.
func (c *clock) unanswered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askAgain = time.Now().Add(clockPause)
}

// An exchange that does not tell its time within clockTimeout is not asked for it
// again before clockPause is over, unless it refuses a timestamp: the calls that the
// time is for must not wait for it.
const (
	clockTimeout = 2 * time.Second
	clockPause   = 30 * time.Second
)

// measureClock measures the offset if it is not yet known. A failure is not
// reported: the signed call that follows goes by our own clock, and says what
// is wrong.
func (c *Client) measureClock(ctx context.Context) {
	if c.config.ServerTime != nil && c.clock.wanted() {
		c.resyncClock(ctx)
	}
}

// resyncClock measures the offset and reports whether it could. Callers that
// ask at the same time share one measurement.
func (c *Client) resyncClock(ctx context.Context) bool {
	if c.config.ServerTime == nil {
		return false
	}
	for {
		measurement := c.clock.flight.DoChan("", func() (any, error) { return nil, c.askTime(ctx) })
		select {
		case outcome := <-measurement:
			if errors.Is(outcome.Err, context.Canceled) && ctx.Err() == nil {
				// The caller that made it has gone; this one has not.
				continue
			}
			return outcome.Err == nil
		case <-ctx.Done():
			return false
		}
	}
}

// askTime asks the exchange for its clock, once: it must not use up the time of
// the call that it is for. The client that asks has no clock to measure, so
// that a refused timestamp cannot lead back here.
func (c *Client) askTime(ctx context.Context) error {
	asking := &Client{config: c.config, secrets: c.secrets, http: c.http, pacer: c.pacer, timeout: c.timeout, tries: 1}
	asking.config.ServerTime = nil
	asked, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	before := time.Now()
	theirs, err := c.config.ServerTime(asked, asking)
	if err != nil {
		if asked.Err() != nil && ctx.Err() == nil {
			c.clock.unanswered()
		}
		return err
	}
	// The exchange read its clock about half-way between the two.
	ours := before.Add(time.Since(before) / 2)
	c.clock.set(theirs.Sub(ours))
	return nil
}
