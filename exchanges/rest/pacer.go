package rest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vault-plugin-secrets-exchange/exchanges"
)

// pacer keeps calls within the documented rate limits of one root credential.
type pacer struct {
	queues     map[exchanges.Operation]*queue
	multiplier float64
}

// newPacer makes a queue per limit, with each limit multiplied by multiplier
// (zero means 1). There is always one for exchanges.OpAny, so that all calls can be
// paused together.
func newPacer(limits []exchanges.RateLimit, multiplier float64) *pacer {
	if multiplier == 0 {
		multiplier = 1
	}
	p := &pacer{queues: map[exchanges.Operation]*queue{exchanges.OpAny: newQueue(math.Inf(1), time.Second)}, multiplier: multiplier}
	for _, limit := range limits {
		allowed := float64(limit.Requests)
		if !limit.Fixed {
			allowed *= multiplier
		}
		q := newQueue(allowed, limit.Per)
		q.serial = limit.Serial
		p.queues[limit.Operation] = q
	}
	return p
}

// wait returns when the call may be made, or an ErrRateLimited at once if its
// turn would come later than the caller's patience or deadline allows. The
// caller says by done when the call has ended, and whether it succeeded.
func (p *pacer) wait(ctx context.Context, call Call) (done func(success bool), err error) {
	done = func(bool) {}
	for _, name := range []exchanges.Operation{call.limit(), exchanges.OpAny} {
		q, ok := p.queues[name]
		if !ok {
			continue
		}
		if err := q.wait(ctx, max(call.Weight, 1), 1); err != nil {
			done(false)
			return nil, err
		}
		others := done
		done = func(success bool) {
			if success && call.CoolDown > 0 && name != exchanges.OpAny {
				q.pause(time.Duration(float64(call.CoolDown) / p.multiplier))
			}
			q.next()
			others(success)
		}
	}
	return done, nil
}

// pause holds back the operation for a while. An operation without a limit of
// its own pauses all.
func (p *pacer) pause(operation exchanges.Operation, wait time.Duration) {
	q, ok := p.queues[operation]
	if !ok {
		q = p.queues[exchanges.OpAny]
	}
	q.pause(wait)
}

// The two lanes of a queue.
const (
	laneRevoking = iota
	laneOther
	lanes
)

// queue lets waiters through at a limiter's rate, every revocation before any
// other call, and each lane first come, first served.
type queue struct {
	// allowed is the weight of the calls allowed in each per.
	allowed float64
	per     time.Duration
	// serial queues let a waiter through only when the call before has ended.
	serial bool

	mu      sync.Mutex // guards what follows
	limiter *rate.Limiter
	resume  time.Time
	busy    bool // a call of a serial queue is on its way
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

// wait returns when it is the turn of a call of that weight, or an
// ErrRateLimited at once if the last of that many turns, of which this is the
// first, would come too late.
func (q *queue) wait(ctx context.Context, weight, turns int) error {
	w := &waiter{lane: laneOther, weight: weight}
	if exchanges.Revoking(ctx) {
		w.lane = laneRevoking
	}
	if err := q.join(ctx, w, turns); err != nil {
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
			return &exchanges.Error{Kind: exchanges.ErrUnavailable, Message: "gave up waiting for a turn", Err: err}
		}
	}
}

// join puts the waiter into its lane, unless its turns would come too late.
func (q *queue) join(ctx context.Context, w *waiter, turns int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.weight > q.limiter.Burst() {
		q.limiter.SetLimit(q.refill(w.weight))
		q.limiter.SetBurst(w.weight)
	}
	ahead, weight := 0, turns*w.weight
	for lane := 0; lane <= w.lane; lane++ {
		ahead += len(q.waiting[lane])
		for _, other := range q.waiting[lane] {
			weight += other.weight
		}
	}
	wait := q.delay(time.Now(), weight)
	patience, bounded := exchanges.Patience(ctx)
	if deadline, ok := ctx.Deadline(); ok && (!bounded || time.Until(deadline) < patience) {
		patience, bounded = time.Until(deadline), true
	}
	if bounded && wait > patience {
		return &exchanges.Error{
			Kind:       exchanges.ErrRateLimited,
			Message:    fmt.Sprintf("the exchange's rate limit leaves no room for %s (place %d in the queue)", wait.Round(time.Millisecond), ahead+1),
			RetryAfter: wait,
		}
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
	if len(q.waiting[laneRevoking]) > 0 {
		first = q.waiting[laneRevoking][0]
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

// delay is how long until calls of that weight in all may have been made.
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
