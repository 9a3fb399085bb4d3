package backend

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// scheduler runs each job when its time has come: Vault's own tick comes about once a
// minute, which is too late for a rotation. A job is named by the storage key of what it
// looks after, and is run by one goroutine at a time. All of them end with the mount.
type scheduler struct {
	now func() time.Time
	// run does what is due of a job, and says when it is due next: zero if that is not
	// known, so that the next tick must say.
	run    func(ctx context.Context, s logical.Storage, job string) (next time.Time)
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// storage is nil until the node is known to be one that may write.
	storage logical.Storage
	due     map[string]time.Time
	// busy has the jobs that somebody is at work on; the channel is closed when they end.
	busy    map[string]chan struct{}
	alarm   *time.Timer
	stopped bool
	work    sync.WaitGroup
}

func newScheduler(now func() time.Time, run func(context.Context, logical.Storage, string) time.Time) *scheduler {
	ctx, cancel := context.WithCancel(context.Background())
	return &scheduler{now: now, run: run, ctx: ctx, cancel: cancel, due: map[string]time.Time{}, busy: map[string]chan struct{}{}}
}

// start lets jobs run from now on.
func (a *scheduler) start(s logical.Storage) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.storage = s
	a.proceed()
}

// set has a job run at the time, or at once if that is past; it replaces the time that
// was set before.
func (a *scheduler) set(job string, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due[job] = at
	a.proceed()
}

// wake has a job run now, or, if it is running, once more.
func (a *scheduler) wake(job string) { a.set(job, time.Time{}) }

// take waits until nobody is at work on the job, and keeps others away until done is
// called.
func (a *scheduler) take(ctx context.Context, job string) (done func(), err error) {
	for {
		a.mu.Lock()
		busy := a.busy[job]
		if busy == nil {
			a.busy[job] = make(chan struct{})
			a.mu.Unlock()
			return func() { a.free(job) }, nil
		}
		a.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// free ends somebody's work on a job.
func (a *scheduler) free(job string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.busy[job])
	delete(a.busy, job)
	a.proceed()
}

// spawn runs work on a job, which was taken, in a goroutine that ends with the mount,
// and then gives the job back. It reports whether it does: not once the mount is ending.
func (a *scheduler) spawn(done func(), work func(context.Context)) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return false
	}
	a.work.Go(func() {
		defer done()
		work(a.ctx)
	})
	return true
}

// proceed begins what is due and sets the alarm for what is due next. The lock is held.
func (a *scheduler) proceed() {
	if a.stopped || a.storage == nil {
		return
	}
	now := a.now()
	var next time.Time
	for job, at := range a.due {
		switch {
		case a.busy[job] != nil:
			// It is looked at again when whoever is at work on it has ended.
		case !at.After(now):
			a.begin(job)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	if a.alarm != nil {
		a.alarm.Stop()
	}
	if !next.IsZero() {
		a.alarm = time.AfterFunc(next.Sub(now), a.ring)
	}
}

func (a *scheduler) ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.proceed()
}

// begin runs a job. The lock is held.
func (a *scheduler) begin(job string) {
	delete(a.due, job)
	a.busy[job] = make(chan struct{})
	s := a.storage
	a.work.Go(func() {
		next := a.run(a.ctx, s, job)
		a.mu.Lock()
		// A time that was set meanwhile is as good or better.
		if _, set := a.due[job]; !set && !next.IsZero() {
			a.due[job] = next
		}
		a.mu.Unlock()
		a.free(job)
	})
}

// stop ends what is running and waits for it.
func (a *scheduler) stop() {
	a.mu.Lock()
	a.stopped = true
	if a.alarm != nil {
		a.alarm.Stop()
	}
	a.mu.Unlock()
	a.cancel()
	a.work.Wait()
}
