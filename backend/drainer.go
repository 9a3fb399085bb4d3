package backend

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

// drainer deletes what is due without waiting for Vault's next tick, after
// many keys became due at once. It owns at most one goroutine, which ends when
// nothing is due, when nothing goes through (the sweeper then takes over), or
// when the mount goes away.
type drainer struct {
	engine *engine
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	running bool
	// again says that more became due while the goroutine was ending.
	again   bool
	stopped bool
	work    sync.WaitGroup
}

func newDrainer(e *engine) *drainer {
	ctx, cancel := context.WithCancel(context.Background())
	return &drainer{engine: e, ctx: ctx, cancel: cancel}
}

// start makes sure that the goroutine runs.
func (d *drainer) start(s logical.Storage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.stopped:
	case d.running:
		d.again = true
	default:
		d.running = true
		d.work.Go(func() { d.run(s) })
	}
}

func (d *drainer) run(s logical.Storage) {
	for {
		d.engine.sweepDue(d.ctx, s)
		d.mu.Lock()
		if !d.again || d.stopped {
			d.running = false
			d.mu.Unlock()
			return
		}
		d.again = false
		d.mu.Unlock()
	}
}

// stop ends the goroutine and waits for it.
func (d *drainer) stop() {
	d.mu.Lock()
	d.stopped = true
	d.mu.Unlock()
	d.cancel()
	d.work.Wait()
}
