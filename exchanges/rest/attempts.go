package rest

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

// ErrClock is wrapped by the error that Config.Unwrap returns when the exchange
// refuses the request's timestamp.
var ErrClock = errors.New("timestamp outside the exchange's window")

// ErrBanned is wrapped by a rate-limit error that stops every operation, not
// only the one that was refused.
var ErrBanned = errors.New("all requests are stopped")

// ErrBusy is wrapped by the error of an exchange that asks to be called later:
// what may be repeated is repeated at the pace of a refusal for rate.
var ErrBusy = errors.New("the exchange is busy")

// maxTries is how often one call is sent at most.
const maxTries = 3

// attempts decides whether a failed call is sent again.
type attempts struct {
	call     Call
	left     int
	resynced bool
	// backoff is between failures, refused between answers that ask to be
	// called later and do not say when.
	backoff, refused backoff.BackOff
}

func newAttempts(call Call, tries int) *attempts {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval = 200 * time.Millisecond
	delays.MaxInterval = 2 * time.Second
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.Multiplier, pauses.RandomizationFactor = firstPause, 2, 0
	return &attempts{call: call, left: tries - 1, backoff: delays, refused: pauses}
}

// firstPause is the pause after an answer that asks to be called later and does
// not say when. It doubles with each.
const firstPause = time.Second

// again reports whether to send the call once more, after waiting as the
// failure asks. It never says so for a call that may have run and must not run
// twice.
func (a *attempts) again(ctx context.Context, c *Client, failure *exchanges.Error) bool {
	switch {
	case errors.Is(failure, ErrClock) && a.call.Bearer == "":
		// A refused timestamp means that the call did not run.
		if a.resynced {
			return false
		}
		a.resynced = true
		return c.resyncClock(ctx)
	case failure.Kind == exchanges.ErrRateLimited:
		// The pacer makes the next try wait, or refuses it if that would
		// take longer than the caller has.
		return a.spend()
	case failure.Kind == exchanges.ErrUnavailable,
		failure.Kind == exchanges.ErrOutcomeUnknown && a.call.Effect != Once:
		delays := a.backoff
		if errors.Is(failure, ErrBusy) {
			delays = a.refused
		}
		return ctx.Err() == nil && a.spend() && sleep(ctx, delays.NextBackOff())
	}
	return false
}

func (a *attempts) spend() bool {
	if a.left == 0 {
		return false
	}
	a.left--
	return true
}

// pause holds back calls after a rate-limit answer, for as long as that asks, but
// no longer than the pacer does for anyone.
func (a *attempts) pause(c *Client, failure *exchanges.Error) {
	operation := a.call.limit()
	if errors.Is(failure, ErrBanned) {
		operation = exchanges.OpAny
	}
	failure.RetryAfter = min(failure.RetryAfter, pace.MaxPause)
	wait := failure.RetryAfter
	if wait <= 0 {
		wait = a.refused.NextBackOff()
	}
	c.pacer.Refused(limitName(operation), wait)
}

// sleep waits, and reports whether the whole wait went by.
func sleep(ctx context.Context, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return false
	}
	return exchanges.Sleep(ctx, wait) == nil
}
