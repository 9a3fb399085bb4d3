package backend

import (
	"sync"
	"time"
)

// fakeClock is moved by hand.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
	// elapsed is the time that has passed, however the clock was set.
	elapsed time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

// advance lets time pass.
func (c *fakeClock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
	c.elapsed += by
}

// jump sets the clock ahead, or back, though no time passes.
func (c *fakeClock) jump(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// elapse lets time pass on a clock that stands still.
func (c *fakeClock) elapse(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += by
}
