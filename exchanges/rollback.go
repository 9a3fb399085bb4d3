package exchanges

import (
	"context"
	"errors"
	"time"
)

// rollBackTimeout bounds the deletion of a key that could not be finished.
const rollBackTimeout = 30 * time.Second

// RollBack deletes a key that was made but could not be finished, for exchanges
// where that takes several calls. It does so even if the caller has gone, and
// returns the error for the caller: the cause, or, if the key could not be
// deleted either, an [ErrOutcomeUnknown], so that it is looked for later.
func RollBack(ctx context.Context, ref KeyRef, cause error, deleteKey func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackTimeout)
	defer cancel()
	failure := asError(cause)
	if err := deleteKey(WithRevoking(WithPatience(ctx, rollBackTimeout))); err != nil {
		key := ref.ID
		if ref.SubAccount != "" {
			key += " of sub-account " + ref.SubAccount
		}
		left := &Error{
			Kind: ErrOutcomeUnknown, Exchange: failure.Exchange, Operation: "create key",
			Message: "the new key could be neither finished (" + cause.Error() + ") nor deleted (" + err.Error() + ")",
			Remedy:  "delete key " + key + " at the exchange if the engine does not; nobody holds its secret",
			KeyID:   ref.ID,
			Err:     errors.Join(cause, err),
		}
		if ref.Token != "" {
			// Nothing but the token, which nobody has any more, could delete it.
			left.Remedy, left.KeyID = "the key ends by itself; nobody holds it", ""
		}
		return left
	}
	if failure.Kind == ErrOutcomeUnknown {
		// With the key gone, nothing is left in doubt.
		settled := failure
		settled.Kind = ErrUnavailable
		return &settled
	}
	return cause
}

// asError returns what is known of an error that may be an [Error].
func asError(err error) Error {
	var failure *Error
	if errors.As(err, &failure) {
		return *failure
	}
	return Error{}
}
