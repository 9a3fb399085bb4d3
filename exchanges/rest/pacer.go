package rest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vault-plugin-secrets-exchange/exchanges"
)

// AnyOperation is the operation of a rate limit that all calls share.
const AnyOperation = "any request"

// pacer keeps calls within the documented rate limits of one root credential.
type pacer struct {
	queues map[string]*queue
}

// newPacer makes a queue per limit, with each limit multiplied by multiplier
// (zero means 1). There is always one for AnyOperation, so that all calls can be
// paused together.
func newPacer(limits []exchanges.RateLimit, multiplier float64) *pacer {
	if multiplier == 0 {
		multiplier = 1
	}
	p := &pacer{queues: map[string]*queue{AnyOperation: newQueue(rate.Inf, 1)}}
	for _, limit := range limits {
		// A bucket of b tokens that refills at r lets b + r*per calls into
		// one window, so a larger burst is paid for with a lower rate.
		allowed := float64(limit.Requests) * multiplier
		burst := max(1, int(allowed/10))
		perSecond := (allowed - float64(burst) + 1) / limit.Per.Seconds()
		p.queues[limit.Operation] = newQueue(rate.Limit(perSecond), burst)
	}
	return p
}

// wait returns when the operation may be called, or an ErrRateLimited at once
// if its turn would come later than the caller's patience or deadline allows.
func (p *pacer) wait(ctx context.Context, operation string) error {
	for _, name := range []string{operation, AnyOperation} {
		if q, ok := p.queues[name]; ok {
			if err := q.wait(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause holds back the operation for a while. An operation without a limit of
// its own pauses all.
func (p *pacer) pause(operation string, wait time.Duration) {
	q, ok := p.queues[operation]
	if !ok {
		q = p.queues[AnyOperation]
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
	mu      sync.Mutex
	limiter *rate.Limiter
	resume  time.Time
	waiting [lanes][]*waiter
	// changed is closed and replaced when who is first may have changed.
	changed chan struct{}
}

type waiter struct{ lane int }

func newQueue(limit rate.Limit, burst int) *queue {
	return &queue{limiter: rate.NewLimiter(limit, burst), changed: make(chan struct{})}
}

func (q *queue) pause(wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(wait); until.After(q.resume) {
		q.resume = until
	}
}

func (q *queue) wait(ctx context.Context) error {
	w := &waiter{lane: laneOther}
	if exchanges.Revoking(ctx) {
		w.lane = laneRevoking
	}
	if err := q.join(ctx, w); err != nil {
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

// join puts the waiter into its lane, unless its turn would come too late.
func (q *queue) join(ctx context.Context, w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	ahead := 0
	for lane := 0; lane <= w.lane; lane++ {
		ahead += len(q.waiting[lane])
	}
	wait := q.delay(time.Now(), ahead+1)
	patience, bounded := exchanges.Patience(ctx)
	if deadline, ok := ctx.Deadline(); ok && (!bounded || time.Until(deadline) < patience) {
		patience, bounded = time.Until(deadline), true
	}
	if bounded && wait > patience {
		return &exchanges.Error{
			Kind:       exchanges.ErrRateLimited,
			Message:    fmt.Sprintf("the exchange's rate limit leaves no room for %s", wait.Round(time.Millisecond)),
			RetryAfter: wait,
		}
	}
	q.waiting[w.lane] = append(q.waiting[w.lane], w)
	q.announce()
	return nil
}

func (q *queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[w.lane] = slices.DeleteFunc(q.waiting[w.lane], func(other *waiter) bool { return other == w })
	q.announce()
}

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
	delay = q.delay(now, 1)
	if first != w {
		return max(delay, time.Millisecond), q.changed, false
	}
	if delay > 0 {
		return delay, q.changed, false
	}
	q.limiter.AllowN(now, 1)
	return 0, nil, true
}

// delay is how long until the n-th call from now may be made.
func (q *queue) delay(now time.Time, n int) time.Duration {
	var wait time.Duration
	if limit := q.limiter.Limit(); limit != rate.Inf {
		if missing := float64(n) - q.limiter.TokensAt(now); missing > 0 {
			wait = time.Duration(missing / float64(limit) * float64(time.Second))
		}
	}
	return max(wait, q.resume.Sub(now))
}

func (q *queue) announce() {
	close(q.changed)
	q.changed = make(chan struct{})
}
