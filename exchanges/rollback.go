package exchanges

import (
	"context"
	"errors"
	"time"
)

// rollBackTimeout bounds the deletion of a key that could not be completed.
const rollBackTimeout = 30 * time.Second

// Finish does what is left to do for a key that the exchange has made: calls that
// complete it, or that ask what was made. First it tells made ([KeyRequest.Made],
// which may be nil) about the key, so that the key is known whatever happens. If
// either fails, the key is deleted ([RollBack]).
func Finish(
	ctx context.Context, account Account, variant Variant, made func(context.Context, KeyRef) error, ref KeyRef, finish func(context.Context) error,
) error {
	var err error
	if made != nil {
		err = made(ctx, ref)
	}
	if err == nil {
		err = finish(ctx)
	}
	if err != nil {
		return RollBack(ctx, account, variant, ref, err)
	}
	return nil
}

// RollBack deletes a key that was made but could not be completed, at exchanges
// where that takes several calls. It does so even if the caller has gone. It
// returns the caller's error: the cause or, if the key could not be deleted either,
// an [ErrOutcomeUnknown], so that the engine looks for the key later.
func RollBack(ctx context.Context, account Account, variant Variant, ref KeyRef, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackTimeout)
	defer cancel()
	failure := asError(cause)
	if err := SettleOne(WithRevoking(WithPatience(ctx, rollBackTimeout)), account, variant, ref); err != nil {
		key := ref.ID
		if ref.SubAccount != "" {
			key += " of sub-account " + ref.SubAccount
		}
		left := &Error{
			Kind: ErrOutcomeUnknown, Exchange: failure.Exchange, Operation: OpCreateKey,
			Message: "the new key could neither be completed (" + cause.Error() + ") nor deleted (" + err.Error() + ")",
			Remedy:  "delete key " + key + " at the exchange if the engine does not; nobody holds its secret",
			KeyID:   ref.ID,
			Err:     errors.Join(cause, err),
		}
		if ref.Token != "" {
			left.Remedy = "the key expires by itself; nobody holds it"
		}
		return left
	}
	// With the key gone, no doubt remains.
	switch failure.Kind {
	case ErrOutcomeUnknown:
		failure.Kind = ErrUnavailable
		return &failure
	case "":
		return &Error{Kind: ErrUnavailable, Operation: OpCreateKey, Message: cause.Error(), Err: cause}
	}
	return cause
}

// asError returns the [Error] in err, or an empty one.
func asError(err error) Error {
	var failure *Error
	if errors.As(err, &failure) {
		return *failure
	}
	return Error{}
}
