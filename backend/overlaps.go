package backend

import (
	"sync"
	"time"
)

// secondLook is how far apart the two looks must be after which a superseded key is
// taken for over by a process that did not see it superseded: a clock that jumped
// ahead has been put right by then.
const secondLook = 30 * time.Second

// overlaps remembers, in memory only, until when superseded keys surely stay, by a clock
// that nobody can set: one that jumps ahead for a moment must not end a key that bots
// still use.
type overlaps struct {
	elapsed func() time.Duration

	mu   sync.Mutex
	ends map[string]time.Duration // by the key's id in the ledger
}

func newOverlaps(elapsed func() time.Duration) *overlaps {
	return &overlaps{elapsed: elapsed, ends: map[string]time.Duration{}}
}

// begin notes that a key was superseded just now.
func (o *overlaps) begin(id string, overlap time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ends[id] = o.elapsed() + overlap
}

// left is how long a key surely stays that is over by the clock.
func (o *overlaps) left(id string) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.elapsed()
	ends, known := o.ends[id]
	if !known {
		ends = now + secondLook
		o.ends[id] = ends
	}
	return max(0, ends-now)
}

// end forgets a key that is retired.
func (o *overlaps) end(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.ends, id)
}
