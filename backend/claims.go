package backend

import (
	"context"
	"sync"
)

// claims lets one goroutine at a time act on a key: a mint, a revocation and
// the sweeper never meet on the same one. It is a lock per key, not a lock
// around network calls.
type claims struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// take claims the key, waiting until it is free. The returned function gives
// it back.
func (c *claims) take(ctx context.Context, id string) (release func(), err error) {
	for {
		release, busy := c.try(id)
		if release != nil {
			return release, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try claims the key if it is free; if not, busy is closed when it may be.
func (c *claims) try(id string) (release func(), busy <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.held[id]; held != nil {
		return nil, held
	}
	done := make(chan struct{})
	c.held[id] = done
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.held, id)
		close(done)
	}, nil
}
