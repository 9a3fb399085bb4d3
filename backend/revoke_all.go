package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// Conditions on a key, for those who ask the ledger for some of its keys.
type keyCondition = func(ledger.Key) bool

func anyKey(ledger.Key) bool { return true }

func ofConnection(name string) keyCondition {
	return func(key ledger.Key) bool { return key.Connection == name }
}

func ofRole(name string) keyCondition {
	return func(key ledger.Key) bool { return key.Role == name }
}

func inSubAccount(connection, name string) keyCondition {
	return func(key ledger.Key) bool { return key.Connection == connection && key.SubAccount == name }
}

// revokeAll condemns every live key that satisfies the condition, and starts
// deleting. Nothing is asked of the exchange before all are condemned, so that a
// crash half-way leaves no key behind.
func (e *engine) revokeAll(ctx context.Context, s logical.Storage, which keyCondition) error {
	live, err := e.ledger.Keys(ctx, s, func(key ledger.Key) bool { return key.State == ledger.Live && which(key) })
	if err != nil {
		return err
	}
	for _, key := range live {
		if err := e.condemn(ctx, s, key.ID); err != nil {
			return err
		}
	}
	e.drainer.start(s)
	return nil
}

// condemn condemns a key that is still live.
func (e *engine) condemn(ctx context.Context, s logical.Storage, id string) error {
	claim, err := e.ledger.Claim(ctx, s, id)
	if err != nil {
		return err
	}
	defer claim.Release()
	if claim.Entry().State != ledger.Live {
		return nil
	}
	return claim.Condemn(ctx)
}
