// Package pace keeps calls within rate limits: it gives each of them its turn,
// urgent ones first, and the others by their parties in turn.
//
// It knows neither exchanges nor networks, only limits and time. Start reading at
// [Pacer.Wait].
package pace

import (
	"cmp"
	"context"
	"fmt"
	"time"
)

// Limit is a rate limit.
type Limit struct {
	// Name says which turns draw on it; [All] for every one.
	Name string
	// Allowed is how many turns there are in each Per, or the weight that they may
	// have together; zero means any number.
	Allowed int
	Per     time.Duration
	// Serial says that one turn must have ended before the next.
	Serial bool
	// Fixed limits are not multiplied.
	Fixed bool
}

// All is the name of the limit that every turn draws on, besides its own.
const All = "*"

// Turn is what a caller waits for.
type Turn struct {
	// Of is the name of its limit.
	Of string
	// Apart turns draw on their own limit only, not on that of all.
	Apart bool
	// Weight is what it draws from a limit that counts weights; zero means 1.
	Weight int
	// Series is how many such turns the caller needs one after another, of which
	// this is the first; zero means 1.
	Series int
	// CoolDown is how long its own limit allows no further turn once this one has
	// succeeded, where limits are not multiplied.
	CoolDown time.Duration
	// Urgent turns go ahead of all others. Of these, those that Finish what others have
	// begun go first.
	Urgent, Finish bool
	// Party is who the turn is for. Parties whose turns are not urgent go one after
	// another, so that none keeps the others waiting by the number of its callers.
	Party string
	// Patience is how long the caller waits at most; [Forever] if that does not
	// matter.
	Patience time.Duration
}

// waiter is one that waits for the turn.
func (t Turn) waiter(until time.Time) *waiter {
	w := &waiter{urgent: t.Urgent, finish: t.Urgent && t.Finish, weight: max(t.Weight, 1), until: until}
	w.series = w.weight * max(t.Series, 1)
	if !t.Urgent {
		w.party = t.Party
	}
	return w
}

// Outcome is how a turn has ended.
type Outcome int

// The outcomes.
const (
	// Unsettled: nothing was learnt, or the turn was refused for its rate.
	Unsettled Outcome = iota
	// Answered: the turn was allowed, whatever became of it.
	Answered
	// Succeeded: what it was for has been done.
	Succeeded
)

// Forever is the patience of a caller that only its context bounds: a century, so
// that times can be reckoned with it.
const Forever = 100 * 365 * 24 * time.Hour

// TooLateError says that a turn would come later than the caller waits for it.
type TooLateError struct {
	// Wait is how long that would be.
	Wait time.Duration
	// Place in the queue, from 1.
	Place int
	// Refused says that a turn was refused for its rate, so that the next one must
	// show whether turns still are, and Probing that it is under way.
	Refused, Probing bool
}

func (e *TooLateError) Error() string {
	return fmt.Sprintf("the rate limit leaves no room for %s (place %d in the queue)", e.Wait.Round(time.Millisecond), e.Place)
}

// Pacer keeps calls within the limits of one root credential. It is safe for
// concurrent use.
type Pacer struct{ queues map[string]*queue }

// New makes a pacer whose limits are each multiplied by multiplier (zero means 1).
func New(limits []Limit, multiplier float64) *Pacer {
	// There is always a queue for all, so that they can be held back together.
	p := &Pacer{queues: map[string]*queue{All: newQueue(Limit{Name: All}, 1)}}
	for _, limit := range limits {
		p.queues[limit.Name] = newQueue(limit, cmp.Or(multiplier, 1))
	}
	return p
}

// rescale changes the multiplier.
func (p *Pacer) rescale(multiplier float64) {
	for _, q := range p.queues {
		q.rescale(multiplier)
	}
}

// rested reports whether the pacer is as good as a new one.
func (p *Pacer) rested() bool {
	for _, q := range p.queues {
		if !q.rested() {
			return false
		}
	}
	return true
}

// Wait returns when the turn has come, or a [TooLateError] as soon as it is seen to
// come later than the caller's patience or deadline allows. If the context ends first,
// the error wraps the context's. The caller says by done when its turn has ended,
// and how.
func (p *Pacer) Wait(ctx context.Context, turn Turn) (done func(Outcome), err error) {
	done = func(Outcome) {}
	until := time.Now().Add(turn.Patience)
	for _, name := range []string{turn.Of, All} {
		q, ok := p.queues[name]
		if !ok || turn.Apart && name == All {
			continue
		}
		taken, err := q.wait(ctx, turn.waiter(until))
		if err != nil {
			done(Unsettled)
			return nil, err
		}
		others := done
		done = func(outcome Outcome) {
			if outcome == Succeeded && turn.CoolDown > 0 && name != All {
				q.coolDown(turn.CoolDown)
			}
			q.end(taken, outcome)
			others(outcome)
		}
	}
	return done, nil
}

// Limits reports whether there is a limit of that name.
func (p *Pacer) Limits(name string) bool {
	_, ok := p.queues[name]
	return ok
}

// MaxPause bounds every pause, whatever an exchange asks for: after that it is asked
// again.
const MaxPause = 10 * time.Minute

// Pause holds back the turns of a limit for a while, at most [MaxPause]. If there is
// no such limit, it holds back all.
func (p *Pacer) Pause(name string, wait time.Duration) { p.queue(name).pause(wait, false) }

// Refused is Pause after the exchange has refused a turn for its rate. When the pause
// is over, one turn at a time is taken until the exchange has answered one. It must
// be called before the refused turn is done.
func (p *Pacer) Refused(name string, wait time.Duration) { p.queue(name).pause(wait, true) }

func (p *Pacer) queue(name string) *queue {
	if q, ok := p.queues[name]; ok {
		return q
	}
	return p.queues[All]
}
