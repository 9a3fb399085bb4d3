package venue

import (
	"math"
	"time"
)

// Scope says whose requests a limit counts together.
type Scope int

// The scopes of limits.
const (
	PerAccount Scope = iota // the account that the calling key belongs to
	PerAddress              // the caller's network address; counted before authentication
)

// Limit is a documented rate limit: the weight that it lets through in any
// window of the given length.
type Limit struct {
	Quota  int
	Window time.Duration
	By     Scope
	Of     func(*Call) string // names what the request acts on, if each such thing has the limit for itself; else nil
	Weight int                // of one request; zero counts as one
	Bucket string             // routes with the same bucket share the limit; empty: the route's own
	Ban    time.Duration      // how long a caller that exceeds the limit is shut out
}

// Quota is what a limit says about one request.
type Quota struct {
	Limit    Limit
	Allowed  int           // the limit's quota times the rate multiplier
	Used     int           // weight in the current window, this request included if it was let in
	Exceeded bool          // the request is one too many
	Wait     time.Duration // if exceeded: how long until the request would be let in
}

// Remaining is the weight left in the window.
func (q Quota) Remaining() int { return q.Allowed - q.Used }

// limiter counts requests against limits. Windows roll: a request stops
// counting one window after it arrived.
type limiter struct {
	multiplier float64
	windows    map[tally]*window
}

// tally identifies what is counted together.
type tally struct {
	bucket, subject string
	quota           int
	length          time.Duration
}

type window struct {
	requests []weighted // oldest first
	used     int        // the weight of the requests
	banned   time.Time  // the time when the ban ends
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
func (l *limiter) take(bucket, subject string, lim Limit, now time.Time) Quota {
	counted := tally{bucket, subject, lim.Quota, lim.Window}
	w := l.windows[counted]
	if w == nil {
		w = &window{}
		l.windows[counted] = w
	}
	q := Quota{Limit: lim, Allowed: l.allowed(lim)}
	weight := max(lim.Weight, 1)

	for len(w.requests) > 0 && now.Sub(w.requests[0].at) >= lim.Window {
		w.used -= w.requests[0].weight
		w.requests = w.requests[1:]
	}
	q.Used = w.used
	if wait := w.banned.Sub(now); wait > 0 {
		q.Exceeded, q.Wait = true, wait
		return q
	}
	if q.Used+weight <= q.Allowed {
		w.requests = append(w.requests, weighted{now, weight})
		w.used += weight
		q.Used = w.used
		return q
	}

	q.Exceeded = true
	surplus := q.Used + weight - q.Allowed
	for _, r := range w.requests {
		q.Wait = r.at.Add(lim.Window).Sub(now)
		if surplus -= r.weight; surplus <= 0 {
			break
		}
	}
	if lim.Ban > 0 {
		w.banned = now.Add(lim.Ban)
		q.Wait = lim.Ban
	}
	return q
}

// allowed is the limit's quota times the multiplier, but never less than the
// weight of one request: a limit that lets nothing through would be an outage.
func (l *limiter) allowed(lim Limit) int {
	return max(int(math.Round(float64(lim.Quota)*l.multiplier)), lim.Weight, 1)
}
