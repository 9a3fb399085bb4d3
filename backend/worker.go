package backend

import (
	"context"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

// worker runs one task in the background, once at a time. It owns at most one
// goroutine, which ends with the task, or when the mount goes away.
type worker struct {
	task   func(context.Context, logical.Storage)
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	running bool
	// again says that the task was asked for while it was running.
	again   bool
	stopped bool
	work    sync.WaitGroup
}

func newWorker(task func(context.Context, logical.Storage)) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	return &worker{task: task, ctx: ctx, cancel: cancel}
}

// start makes sure that the task runs from its beginning once more.
func (w *worker) start(s logical.Storage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.stopped:
	case w.running:
		w.again = true
	default:
		w.running = true
		w.work.Go(func() { w.run(s) })
	}
}

func (w *worker) run(s logical.Storage) {
	for {
		w.task(w.ctx, s)
		w.mu.Lock()
		if !w.again || w.stopped {
			w.running = false
			w.mu.Unlock()
			return
		}
		w.again = false
		w.mu.Unlock()
	}
}

// onStop has something done once the worker is to end, unless what it returns is called
// before.
func (w *worker) onStop(do func()) (never func()) {
	stop := context.AfterFunc(w.ctx, do)
	return func() { stop() }
}

// stop ends the task and waits for it.
func (w *worker) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.cancel()
	w.work.Wait()
}
