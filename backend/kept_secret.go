package backend

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// dropSecret deletes what is in custody of a key that has come to its end. It comes
// before the ledger forgets the key, so that a failure is made good with the next try.
func (e *engine) dropSecret(ctx context.Context, s logical.Storage, entry ledger.Entry) error {
	if !entry.Kept {
		return nil
	}
	return e.custody.Delete(ctx, s, entry.ID)
}

// sweepCustody deletes what is in custody of keys that the ledger does not have: a
// write that was reported as failed may have taken effect after all.
func (e *engine) sweepCustody(ctx context.Context, s logical.Storage) error {
	ids, err := e.custody.List(ctx, s)
	if err != nil {
		return err
	}
	var failures []error
	for _, id := range ids {
		known, err := e.ledger.Has(ctx, s, id)
		if err != nil {
			return err
		}
		if !known {
			failures = append(failures, e.dropOrphan(ctx, s, id))
		}
	}
	return errors.Join(failures...)
}

// dropOrphan deletes what is in custody of a key that the ledger does not have, unless
// somebody is about to enter the key.
func (e *engine) dropOrphan(ctx context.Context, s logical.Storage, id string) error {
	claim, err := e.ledger.TryClaim(ctx, s, id)
	if errors.Is(err, ledger.ErrBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	defer claim.Release()
	if claim.Exists() {
		return nil
	}
	return e.custody.Delete(ctx, s, id)
}
