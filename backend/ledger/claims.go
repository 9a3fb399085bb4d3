package ledger

import (
	"context"
	"sync"
)

// claims lets one goroutine at a time act on a key: a mint, a revocation and the
// sweeper never meet on the same one. It is a lock per key, not a lock around
// network calls. A key is held by the stem of its id, which it has before the rest.
type claims struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// take claims the key, waiting until it is free.
func (c *claims) take(ctx context.Context, id string) error {
	for {
		busy := c.try(id)
		if busy == nil {
			return nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// try claims the key if it is free; if not, busy is closed when it may be.
func (c *claims) try(id string) (busy <-chan struct{}) {
	stem, _, _ := parseID(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.held[stem]; held != nil {
		return held
	}
	c.held[stem] = make(chan struct{})
	return nil
}

// release gives the key back.
func (c *claims) release(id string) {
	stem, _, _ := parseID(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.held[stem])
	delete(c.held, stem)
}

func (c *claims) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.held)
}
