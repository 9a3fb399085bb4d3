package exchanges

import (
	"errors"
	"slices"
	"time"
)

// evidence is what is known about the deletion of a key.
type evidence struct {
	// answer is what the exchange said to the deletion: nil if it confirmed it.
	answer error
	// looked means that the exchange has been asked for the key since.
	looked bool
	// listed means that the key was there then; failure is why that could not be
	// found out.
	listed  bool
	failure error
	// late means that the time is over for which the exchange may go on listing a
	// deleted key.
	late bool
	// unlisted means that the key itself was asked, since no list shows it.
	unlisted bool
	// fresh is for how much longer the exchange may not show what it was last asked
	// to do with the key: until then, absence proves nothing by itself.
	fresh time.Duration
}

// ErrUnseen is wrapped by the error about a key that the exchange does not show,
// though it has not confirmed its deletion, when that proves nothing yet: a list
// may not show a new key for a while. The caller says so when it tries again; see
// [KeyRef.Unseen].
var ErrUnseen = errors.New("the key is not shown, which proves nothing yet")

// decide reports whether the deletion is settled, and how: nil only if the key is
// certainly gone. Until it is settled, the exchange must be asked for the key,
// again if it was asked before. It is a pure function of the evidence.
//
// A refusal proves nothing: exchanges refuse to delete a key that is gone in many
// ways, with a code for a bad root key among them. So the list decides, and a
// refusal counts only if the list is refused as well.
func (e evidence) decide() (settled bool, err error) {
	switch {
	case !e.looked && e.notRun():
		return true, e.answer
	case !e.looked:
		return false, nil
	case errors.Is(e.failure, ErrNotFound) && !e.unlisted:
		return true, nil // Keys do not outlive their sub-account.
	case e.failure != nil && e.answer != nil && !errors.Is(e.answer, ErrNotFound) && (e.unlisted || !passes(e.failure)):
		return true, e.answer
	case e.failure != nil:
		return true, e.failure
	case !e.listed && (e.answer == nil || e.fresh <= 0):
		return true, nil
	case !e.listed:
		return true, unseen(e.answer, e.fresh)
	case e.answer != nil:
		return true, e.answer
	case !e.late:
		return false, nil
	case e.unlisted:
		return true, &Error{
			Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange confirmed the deletion, but the key still works",
			Remedy: "deletion is retried until the key expires with its lease",
		}
	}
	return true, &Error{Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange confirmed the deletion but still lists the key"}
}

// notRun reports whether the answer shows that nothing was deleted and that looking
// would gain nothing: the exchange was not reached or asks for patience, or the
// deletion starts from the list and could not read it. Asking the key itself takes no
// root key, and the key may have expired meanwhile, so there it is asked all the same.
func (e evidence) notRun() bool {
	if e.unlisted {
		return false
	}
	failure := asError(e.answer)
	return failure.Operation == OpListKeys || failure.Kind == ErrRateLimited || failure.Kind == ErrUnavailable && failure.Code == ""
}

// passes reports whether a failure is one that passes by itself.
func passes(failure error) bool {
	return slices.ContainsFunc([]Kind{ErrRateLimited, ErrUnavailable, ErrOutcomeUnknown},
		func(kind Kind) bool { return errors.Is(failure, kind) })
}

// unseen is the error about a key that is not shown when that proves nothing yet.
// The answer to its deletion is nil if it was asked for on an earlier occasion.
func unseen(answer error, wait time.Duration) error {
	failure := asError(answer)
	why := ""
	if answer != nil {
		why = " (" + answer.Error() + ")"
	}
	return &Error{
		Kind: ErrOutcomeUnknown, Exchange: failure.Exchange, Operation: OpDeleteKey, Code: failure.Code, RetryAfter: wait,
		Message: "the exchange does not show the key, but has not confirmed its deletion" + why + ", and its list may be out of date",
		Remedy:  "the engine asks again in " + Period(wait.Round(time.Second)),
		Err:     errors.Join(ErrUnseen, answer),
	}
}
