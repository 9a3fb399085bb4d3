package exchanges

import (
	"errors"
	"slices"
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
}

// decide reports whether the deletion is settled, and how: nil only if the key is
// certainly gone. Until it is settled, the exchange must be asked for the key,
// again if it was asked before. It is a pure function of the evidence.
func (e evidence) decide() (settled bool, err error) {
	switch {
	case !e.looked && e.refused():
		return true, e.answer
	case !e.looked:
		return false, nil
	case errors.Is(e.failure, ErrNotFound) && !e.unlisted:
		return true, nil // Keys do not outlive their sub-account.
	case e.failure != nil && e.unlisted && e.answer != nil:
		return true, e.answer
	case e.failure != nil:
		return true, e.failure
	case !e.listed:
		return true, nil
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

// refused reports whether the answer shows that nothing was deleted and that
// looking would gain nothing: the root key is not accepted, the call did not run,
// or the deletion starts from the list and could not read it. Asking the key itself
// takes no root key, and the key may have expired meanwhile, so there it is asked
// all the same.
func (e evidence) refused() bool {
	if e.unlisted {
		return false
	}
	var failure *Error
	if errors.As(e.answer, &failure) && failure.Operation == OpListKeys {
		return true
	}
	return slices.ContainsFunc([]Kind{ErrAuth, ErrPermission, ErrRateLimited, ErrUnavailable, ErrUnsupported},
		func(kind Kind) bool { return errors.Is(e.answer, kind) })
}
