package pace

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// queue lets waiters through at a limiter's rate, every urgent one before any
// other.
type queue struct {
	limit Limit

	mu         sync.Mutex // guards what follows
	multiplier float64
	limiter    *rate.Limiter
	// heaviest is the weight of the heaviest turn so far.
	heaviest int
	// rich is when more than the heaviest turn was there to be taken the last time, and
	// lean says that this is a whole period ago.
	rich   time.Time
	lean   bool
	resume time.Time
	// doubtful says that a turn was refused for its rate, and that none has shown
	// since that the limit is over: they go one at a time.
	doubtful bool
	busy     bool // a turn that must end before the next has not ended
	urgent   lane
	others   lane
	// changed is closed and replaced when who is first may have changed.
	changed chan struct{}
}

type waiter struct {
	party  string
	urgent bool
	finish bool
	// weight of its turn, and of all turns of its series.
	weight, series int
	// until is how long it waits at most.
	until time.Time
}

func newQueue(limit Limit, multiplier float64) *queue {
	q := &queue{limit: limit, multiplier: multiplier, rich: time.Now(), changed: make(chan struct{})}
	q.limiter = rate.NewLimiter(q.rate())
	return q
}

// rescale changes the limit's multiplier.
func (q *queue) rescale(multiplier float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.multiplier = multiplier
	q.enrich()
	q.announce()
}

// grain is a part of a turn that does not count: a turn is taken as soon as all of it is
// there, which is a moment after that.
const grain = 0.001

// look adjusts the limiter if turns have been scarce for a period, or are not any more.
func (q *queue) look(now time.Time) {
	if q.limiter.TokensAt(now) > float64(max(1, q.heaviest))+grain {
		q.rich = now
	}
	if lean := now.Sub(q.rich) >= q.limit.Per; lean != q.lean {
		q.lean = lean
		q.adjust()
	}
}

// enrich adjusts the limiter to another limit, or other turns, than it had so far.
func (q *queue) enrich() {
	q.rich, q.lean = time.Now(), false
	q.adjust()
}

// adjust brings the limiter to what the multiplier and the weights of turns come to.
func (q *queue) adjust() {
	refill, burst := q.rate()
	q.limiter.SetLimit(refill)
	q.limiter.SetBurst(burst)
}

// rate is how fast turns come back, and how many may be taken at once: a tenth of the
// limit, or the heaviest. A bucket of b tokens that refills at r lets b + r*per into
// one window, so that such a burst is paid for with a lower rate. Once there has been no
// more than the heaviest turn for a whole period, as in a storm, no burst is left to be
// paid for, and nearly all of the limit goes into the rate. Where turns have weights, all
// of them small beside the limit, room for one is left, should it be half as heavy again:
// an exchange that tells that too little is left of its window for another would hold back
// all until the next.
func (q *queue) rate() (refill rate.Limit, burst int) {
	if q.limit.Allowed == 0 {
		return rate.Inf, 0
	}
	allowed := float64(q.limit.Allowed)
	if !q.limit.Fixed {
		allowed *= q.multiplier
	}
	burst = max(1, int(min(allowed, math.MaxInt32)/10), q.heaviest)
	atOnce := float64(burst)
	if q.lean {
		atOnce = min(atOnce, float64(max(1, q.heaviest))+grain)
	}
	perPeriod := allowed - atOnce + 1
	if spare := 1.5*float64(q.heaviest) + 1; q.heaviest > 1 && 20*spare <= allowed {
		perPeriod -= spare
	}
	if float64(burst) > allowed {
		perPeriod = allowed
	}
	return rate.Limit(perPeriod / q.limit.Per.Seconds()), burst
}

// rested reports whether the queue is as good as a new one. A doubt that nobody has
// looked into for as long as any pause lasts is none.
func (q *queue) rested() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, over := time.Now(), q.resume
	if q.doubtful {
		over = over.Add(MaxPause)
	}
	full := q.limit.Allowed == 0 || q.limiter.TokensAt(now) >= float64(q.limiter.Burst())
	return full && !q.busy && !over.After(now) && len(q.urgent.parties)+len(q.others.parties) == 0
}

// coolDown is the pause after a turn that has succeeded.
func (q *queue) coolDown(wait time.Duration) {
	q.mu.Lock()
	wait = time.Duration(float64(wait) / q.multiplier)
	q.mu.Unlock()
	q.pause(wait, false)
}

// pause holds back turns for a while; after a refusal, then all but one.
func (q *queue) pause(wait time.Duration, refused bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if until := time.Now().Add(min(wait, MaxPause)); until.After(q.resume) {
		q.resume = until
	}
	q.doubtful = q.doubtful || refused
	q.announce() // To those for whom this is too long.
}

// end ends a turn that was taken: the next may be, if it had to wait for that.
func (q *queue) end(taken taken, outcome Outcome) {
	if !taken.alone {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = false
	if taken.probe && outcome != Unsettled {
		q.doubtful = false
	}
	q.announce()
}

// taken is a turn that was taken.
type taken struct {
	// alone says that it must end before the next is taken, and probe that it
	// shows whether turns are refused still.
	alone, probe bool
}

// wait returns when the turn has come, or a TooLateError as soon as the last turn of
// its series would come too late.
func (q *queue) wait(ctx context.Context, w *waiter) (taken, error) {
	q.join(w)
	for {
		taken, delay, changed, err := q.step(ctx, w)
		if delay == 0 || err != nil {
			return taken, err
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

func (q *queue) join(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.weight > q.heaviest {
		q.heaviest = w.weight
		q.enrich()
	}
	q.lane(w).add(w)
}

// rounding is what times that are computed in two ways may differ by.
const rounding = time.Microsecond

// step takes the waiter's turn if it has come, and takes the waiter out if it would
// come too late. Otherwise it tells when to look again: after a delay, or when
// something has changed.
func (q *queue) step(ctx context.Context, w *waiter) (t taken, delay time.Duration, changed <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	q.look(now)
	ahead, weight := q.ahead(w)
	last := q.delay(now, weight+w.series)
	until := w.until
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	left := until.Sub(now)
	delay = q.delay(now, w.weight)
	if ahead > 0 || q.busy {
		delay = Forever // Until something has changed.
	}
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("gave up waiting for a turn: %w", ctx.Err())
	case last > max(left, 0)+rounding, delay > 0 && left+rounding <= 0:
		err = &TooLateError{Wait: last, Place: ahead + 1, Refused: q.doubtful, Probing: q.doubtful && q.busy}
	case delay > 0:
		return taken{}, min(delay, left+rounding), q.changed, nil
	default:
		q.limiter.AllowN(now, w.weight)
		t = taken{alone: q.limit.Serial || q.doubtful, probe: q.doubtful}
		q.busy = t.alone
	}
	q.lane(w).remove(w, err == nil)
	q.announce()
	return t, 0, nil, err
}

func (q *queue) lane(w *waiter) *lane {
	if w.urgent {
		return &q.urgent
	}
	return &q.others
}

// ahead tells how many waiters go before one, and their weight.
func (q *queue) ahead(w *waiter) (n, weight int) {
	n, weight = q.lane(w).ahead(w)
	if !w.urgent {
		urgent, more := q.urgent.all()
		n, weight = n+urgent, weight+more
	}
	return n, weight
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
