package pace

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The two lanes of a queue.
const (
	laneUrgent = iota
	laneOther
	lanes
)

// queue lets waiters through at a limiter's rate, every urgent one before any
// other, and each lane first come, first served.
type queue struct {
	// allowed is the weight of the turns allowed in each per.
	allowed float64
	per     time.Duration
	// serial queues let a waiter through only when the turn before has ended.
	serial bool

	mu      sync.Mutex // guards what follows
	limiter *rate.Limiter
	resume  time.Time
	busy    bool // a turn of a serial queue has not ended
	waiting [lanes][]*waiter
	// changed is closed and replaced when who is first may have changed.
	changed chan struct{}
}

type waiter struct{ lane, weight int }

func newQueue(allowed float64, per time.Duration) *queue {
	q := &queue{allowed: allowed, per: per, changed: make(chan struct{})}
	burst := max(1, int(min(allowed, math.MaxInt32)/10))
	q.limiter = rate.NewLimiter(q.refill(burst), burst)
	return q
}

// refill is the rate that goes with a burst. A bucket of b tokens that refills
// at r lets b + r*per into one window, so a larger burst is paid for with a
// lower rate.
func (q *queue) refill(burst int) rate.Limit {
	switch {
	case math.IsInf(q.allowed, 1):
		return rate.Inf
	case float64(burst) > q.allowed:
		return rate.Limit(q.allowed / q.per.Seconds())
	}
	return rate.Limit((q.allowed - float64(burst) + 1) / q.per.Seconds())
}

func (q *queue) pause(wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(wait); until.After(q.resume) {
		q.resume = until
	}
}

// next lets the next waiter of a serial queue through.
func (q *queue) next() {
	if !q.serial {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	q.announce()
}

// wait returns when the turn has come, or a TooLateError at once if the last turn
// of its series would come too late.
func (q *queue) wait(ctx context.Context, turn Turn) error {
	w := &waiter{lane: laneOther, weight: max(turn.Weight, 1)}
	if turn.Urgent {
		w.lane = laneUrgent
	}
	if err := q.join(ctx, w, turn); err != nil {
		return err
	}
	defer q.leave(w)
	for {
		delay, changed, mine := q.turn(w)
		if mine {
			return nil
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("gave up waiting for a turn: %w", err)
		}
	}
}

// join puts the waiter into its lane, unless its turns would come too late.
func (q *queue) join(ctx context.Context, w *waiter, turn Turn) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.weight > q.limiter.Burst() {
		q.limiter.SetLimit(q.refill(w.weight))
		q.limiter.SetBurst(w.weight)
	}
	ahead, weight := 0, max(turn.Series, 1)*w.weight
	for lane := 0; lane <= w.lane; lane++ {
		ahead += len(q.waiting[lane])
		for _, other := range q.waiting[lane] {
			weight += other.weight
		}
	}
	wait := q.delay(time.Now(), weight)
	patience := turn.Patience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline))
	}
	if wait > patience {
		return &TooLateError{Wait: wait, Place: ahead + 1}
	}
	q.waiting[w.lane] = append(q.waiting[w.lane], w)
	return nil
}

func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[w.lane] = slices.DeleteFunc(q.waiting[w.lane], func(other *waiter) bool { return other == w })
	q.announce()
}

// untilChanged is the delay of a waiter that has to be told when to look again.
const untilChanged = time.Hour

// turn reports whether it is the waiter's turn now, and takes it; if not, how
// long it will be at least.
func (q *queue) turn(w *waiter) (delay time.Duration, changed <-chan struct{}, mine bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.waiting[w.lane][0]
	if len(q.waiting[laneUrgent]) > 0 {
		first = q.waiting[laneUrgent][0]
	}
	now := time.Now()
	delay = q.delay(now, w.weight)
	switch {
	case q.busy || first != w:
		return untilChanged, q.changed, false
	case delay > 0:
		return delay, q.changed, false
	}
	q.limiter.AllowN(now, w.weight)
	q.busy = q.serial
	return 0, nil, true
}

// delay is how long until turns of that weight in all may have been taken.
func (q *queue) delay(now time.Time, n int) time.Duration {
	var wait time.Duration
	if limit := q.limiter.Limit(); limit != rate.Inf {
		if missing := float64(n) - q.limiter.TokensAt(now); missing > 0 {
			// Rounded up: a turn taken too early would not be paid for.
			wait = time.Duration(math.Ceil(missing / float64(limit) * float64(time.Second)))
		}
	}
	return max(wait, q.resume.Sub(now))
}

func (q *queue) announce() {
	close(q.changed)
	q.changed = make(chan struct{})
}
