package exchanges

import (
	"context"
	"errors"
	"slices"
	"time"
)

// SettleDeletion makes a delete call and proves its effect by listing: an
// exchange's answer alone, be it a success or a refusal, does not show that a
// key is gone. It returns nil only if the key is no longer listed.
func SettleDeletion(ctx context.Context, account Account, ref KeyRef, deleteKey func(context.Context) error) error {
	return SettleSlowDeletion(ctx, account, ref, 0, deleteKey)
}

// SettleSlowDeletion is SettleDeletion for an exchange that may list a key a
// little longer, up to the delay, after it has confirmed the deletion.
func SettleSlowDeletion(ctx context.Context, account Account, ref KeyRef, delay time.Duration, deleteKey func(context.Context) error) error {
	return settle(ctx, delay, deleteKey, func(ctx context.Context) (bool, error) {
		keys, err := account.ListKeys(ctx, ref.SubAccount)
		return slices.ContainsFunc(keys, func(key KeyInfo) bool { return key.ID == ref.ID }), err
	})
}

// settle makes a delete call, and then asks whether the key is still listed.
func settle(ctx context.Context, delay time.Duration, deleteKey func(context.Context) error, isListed func(context.Context) (bool, error)) error {
	deleteErr := deleteKey(ctx)
	for _, certain := range []Kind{ErrAuth, ErrPermission, ErrRateLimited, ErrUnavailable, ErrUnsupported} {
		if errors.Is(deleteErr, certain) {
			return deleteErr
		}
	}
	// The list is looked at again after 1, 3 and 7 sevenths of the delay.
	for wait := delay / 7; ; wait *= 2 {
		listed, err := isListed(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil // Keys do not outlive their sub-account.
		case err != nil || !listed:
			return err
		case deleteErr != nil:
			return deleteErr
		case wait == 0 || wait > delay:
			return &Error{Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange confirmed the deletion and still lists the key"}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return &Error{Kind: ErrUnavailable, Operation: OpDeleteKey, Message: "the exchange still lists the key", Err: ctx.Err()}
		}
	}
}
