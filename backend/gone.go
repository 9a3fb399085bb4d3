package backend

import (
	"sync"
	"time"
)

// goneMemory is how long the engine remembers that a key is gone: longer than any
// exchange's list is out of date, and than somebody who deletes a key usually takes
// to revoke its lease too.
const goneMemory = 10 * time.Minute

// gone remembers the keys that this process has proved gone. The ledger forgets them,
// and the exchange, asked again, could refuse to delete a key that it does not show,
// which proves nothing while the key is new. It is lost with the process; then the
// exchange is asked.
type gone struct {
	now func() time.Time

	mu    sync.Mutex
	since map[string]time.Time
	// swept is when the old ones were last dropped.
	swept time.Time
}

func newGone(now func() time.Time) *gone {
	return &gone{now: now, since: map[string]time.Time{}}
}

// note remembers a key by its id in the ledger.
func (g *gone) note(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.since[id] = now
	if now.Sub(g.swept) < goneMemory {
		return
	}
	g.swept = now
	for id, since := range g.since {
		if now.Sub(since) >= goneMemory {
			delete(g.since, id)
		}
	}
}

// has reports whether the key is remembered.
func (g *gone) has(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	since, known := g.since[id]
	return known && g.now().Sub(since) < goneMemory
}
