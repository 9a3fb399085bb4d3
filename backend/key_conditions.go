package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// keyCondition chooses among keys, for those who ask the ledger for some of them.
type keyCondition = func(ledger.Key) bool

func anyKey(ledger.Key) bool { return true }

func ofConnection(name string) keyCondition {
	return func(key ledger.Key) bool { return key.Connection == name }
}

func ofRole(name string) keyCondition {
	return func(key ledger.Key) bool { return key.Role == name }
}

func ofOwner(owner string) keyCondition {
	return func(key ledger.Key) bool { return key.Owner == owner }
}

func inSubAccount(connection, name string) keyCondition {
	return func(key ledger.Key) bool { return key.Connection == connection && key.SubAccount == name }
}

// keysOf counts a connection's keys.
func (e *engine) keysOf(ctx context.Context, s logical.Storage, connection string) (keys int, err error) {
	err = e.ledger.Tell(ctx, s, func(t ledger.Tally) { keys = t.OfConnection(connection) })
	return keys, err
}

// subAccountsOf counts a connection's keys by sub-account, as the ledger spells it.
func (e *engine) subAccountsOf(ctx context.Context, s logical.Storage, connection string) (held map[string]int, err error) {
	err = e.ledger.Tell(ctx, s, func(t ledger.Tally) { held = t.SubAccounts(connection) })
	return held, err
}
