package exchanges

import (
	"context"
	"errors"
)

// SettleDeletion makes a delete call and proves its effect by listing: an
// exchange's answer alone, be it a success or a refusal, does not show that a
// key is gone. It returns nil only if the key is no longer listed.
func SettleDeletion(ctx context.Context, account Account, ref KeyRef, deleteKey func(context.Context) error) error {
	deleteErr := deleteKey(ctx)
	for _, certain := range []Kind{ErrAuth, ErrPermission, ErrRateLimited, ErrUnavailable, ErrUnsupported} {
		if errors.Is(deleteErr, certain) {
			return deleteErr
		}
	}
	keys, err := account.ListKeys(ctx, ref.SubAccount)
	if errors.Is(err, ErrNotFound) {
		// Keys do not outlive their sub-account.
		return nil
	}
	if err != nil {
		return err
	}
	for _, key := range keys {
		if key.ID != ref.ID {
			continue
		}
		if deleteErr != nil {
			return deleteErr
		}
		return &Error{Kind: ErrUnavailable, Operation: "delete key", Message: "the exchange confirmed the deletion and still lists the key"}
	}
	return nil
}
