package simulator

import (
	"math"
	"time"
)

// scope says whose requests a limit counts together.
type scope int

const (
	perAccount scope = iota // the account that the calling key belongs to
	perAddress              // the caller's network address; counted before authentication
)

// limit is a documented rate limit: so much weight in any window of that length.
type limit struct {
	quota  int
	window time.Duration
	by     scope
	of     func(*call) string // nil, or what the request acts on, if each of those has the limit for itself
	weight int                // of one request; zero counts as one
	bucket string             // routes with the same bucket share the limit; empty: the route's own
	ban    time.Duration      // how long a caller that exceeds the limit is shut out
}

// quota is what a limit says about one request.
type quota struct {
	limit    limit
	allowed  int           // the limit's quota times the rate multiplier
	used     int           // weight in the current window, this request included if it was let in
	exceeded bool          // the request is one too many
	wait     time.Duration // if exceeded: until the request would be let in
}

func (q quota) remaining() int { return q.allowed - q.used }

// limiter counts requests against limits. Windows roll: a request is forgotten
// one window after it came.
type limiter struct {
	multiplier float64
	windows    map[tally]*window
}

// tally names what is counted together.
type tally struct {
	bucket, subject string
	quota           int
	length          time.Duration
}

type window struct {
	requests []weighted // oldest first
	banned   time.Time  // until when
}

type weighted struct {
	at     time.Time
	weight int
}

func newLimiter(multiplier float64) *limiter {
	return &limiter{multiplier: multiplier, windows: make(map[tally]*window)}
}

// take counts one request of the subject (an account or an address) against a
// limit. A request that exceeds it is not counted.
func (l *limiter) take(bucket, subject string, lim limit, now time.Time) quota {
	counted := tally{bucket, subject, lim.quota, lim.window}
	w := l.windows[counted]
	if w == nil {
		w = &window{}
		l.windows[counted] = w
	}
	q := quota{limit: lim, allowed: l.allowed(lim)}
	weight := max(lim.weight, 1)

	for len(w.requests) > 0 && now.Sub(w.requests[0].at) >= lim.window {
		w.requests = w.requests[1:]
	}
	for _, r := range w.requests {
		q.used += r.weight
	}
	if wait := w.banned.Sub(now); wait > 0 {
		q.exceeded, q.wait = true, wait
		return q
	}
	if q.used+weight <= q.allowed {
		w.requests = append(w.requests, weighted{now, weight})
		q.used += weight
		return q
	}

	q.exceeded = true
	surplus := q.used + weight - q.allowed
	for _, r := range w.requests {
		q.wait = r.at.Add(lim.window).Sub(now)
		if surplus -= r.weight; surplus <= 0 {
			break
		}
	}
	if lim.ban > 0 {
		w.banned = now.Add(lim.ban)
		q.wait = lim.ban
	}
	return q
}

// allowed is the limit's quota times the multiplier, but never below the weight
// of one request: a limit that lets nothing in is an outage.
func (l *limiter) allowed(lim limit) int {
	return max(int(math.Round(float64(lim.quota)*l.multiplier)), lim.weight, 1)
}
