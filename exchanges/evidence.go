package exchanges

import (
	"errors"
	"slices"
)

// evidence is what is known about the deletion of a key.
type evidence struct {
	// answer is the exchange's to the deletion: nil if it confirmed it.
	answer error
	// looked says that the exchange was asked for the key since.
	looked bool
	// listed says that the key was there then, and failure why that could not
	// be learnt.
	listed  bool
	failure error
	// late says that the exchange has had the time for which it may go on
	// listing a deleted key.
	late bool
	// unlisted says that the key itself was asked, since no list shows it.
	unlisted bool
}

// decide says whether the deletion is settled, and how: nil only if the key is
// surely gone. While it is not settled, the exchange has to be asked for the key,
// again if it was before. It is a pure function of the evidence.
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
			Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange confirmed the deletion, and the key still works",
			Remedy: "it is tried again until the key has ended by itself, which it does with its lease",
		}
	}
	return true, &Error{Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange confirmed the deletion and still lists the key"}
}

// refused reports whether the answer shows that nothing was deleted and that
// nothing would be gained by looking: the root key is not accepted, the call did
// not run, or the deletion was to begin with the list and could not read it. A key
// that is asked itself needs no root key for that, and may have ended by itself.
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
