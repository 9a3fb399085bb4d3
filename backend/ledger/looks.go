package ledger

import "time"

const (
	// secondLook is how long a lease must be over by the clock before it is believed: a
	// clock that jumped ahead has been put right by then.
	secondLook = 30 * time.Second
	// looksApart is how far apart the looks are that are remembered.
	looksApart = time.Second
)

// looks remembers what the clock showed, so that a time which it shows for a moment only
// ends no key. It goes by a second clock, which nobody can set.
type looks []look

type look struct {
	// at is when it was taken, by the time elapsed.
	at time.Duration
	// showed is the earliest time that the clock has shown then or since.
	showed time.Time
}

// past takes a look and returns the time that is surely past: the earliest that the clock
// has shown at all looks since one that is at least secondLook old. It is zero if there
// was none.
func (l *looks) past(now time.Time, elapsed time.Duration) time.Time {
	for i := len(*l) - 1; i >= 0 && (*l)[i].showed.After(now); i-- {
		(*l)[i].showed = now
	}
	if n := len(*l); n == 0 || elapsed-(*l)[n-1].at >= looksApart {
		*l = append(*l, look{elapsed, now})
	}
	first := -1
	for first+1 < len(*l) && elapsed-(*l)[first+1].at >= secondLook {
		first++
	}
	if first < 0 {
		return time.Time{}
	}
	*l = (*l)[first:]
	return (*l)[0].showed
}
