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

// checkSwitches refuses a role or connection whose kill switch is on.
func (e *engine) checkSwitches(ctx context.Context, s logical.Storage, roleName, connection string) error {
	for _, of := range []struct {
		kind       ledger.Kind
		what, name string
	}{{ledger.OfRole, "role", roleName}, {ledger.OfConnection, "connection", connection}} {
		now, err := e.ledger.Switch(ctx, s, of.kind, of.name)
		if err != nil {
			return err
		}
		if now.On {
			return refuse("%s %q was stopped by its kill switch at %s; to allow new keys again: vault delete <mount>/%s/%s/revoke-all",
				of.what, of.name, timestamp(now.Since), of.kind, of.name)
		}
	}
	return nil
}
