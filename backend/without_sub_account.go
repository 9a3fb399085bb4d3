package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// withoutSubAccount settles a key whose create answer was lost, once the exchange
// refuses to list the keys of its sub-account. It returns nil if the exchange does not
// have the sub-account: no key outlives that, and most often the name was mistyped and
// there never was one. Few exchanges say so of the list itself, so that their list of
// sub-accounts is asked.
//
// That counts only for the account in which the key was asked for: to another one, every
// sub-account is unknown. And it counts only for a key of which no id is known. A
// sub-account may have been renamed, or have become an account of its own, and may have
// taken its keys along. Of a key that was handed out, somebody holds the secret. Of this
// one nobody does, and if it turns up under another name, a reconciliation finds it as
// a stray.
func (e *engine) withoutSubAccount(ctx context.Context, l *link, entry ledger.Entry, refusal error) error {
	ofThatAccount := entry.Lineage != "" && entry.Lineage == l.lineage()
	switch {
	case errors.Is(refusal, exchanges.ErrNotFound) && (ofThatAccount || entry.Lineage == ""):
		return nil
	case !isRefusal(refusal):
		return refusal
	case !ofThatAccount:
		return fmt.Errorf("%w; whether sub-account %q is gone is unknown, since it is not proved that the current root credential belongs to the account in which the key was asked for", refusal, entry.SubAccount)
	case e.now().Before(entry.Created.Add(ledger.PendingGrace)):
		return errQuiet
	}
	known, err := l.roster(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%w; could not ask whether sub-account %q is gone: %w", refusal, entry.SubAccount, err)
	case known.problem(l.variant.SubAccountName(entry.SubAccount)) != noSubAccount:
		return refusal
	}
	e.places.setAside(placeOfRole{entry.Connection, entry.Role, entry.SubAccount}, noSubAccount)
	e.Logger().Warn("the answer to a create call was lost, and the exchange has no such sub-account, so there is no key",
		"key_id", entry.ID, "role", entry.Role, "connection", entry.Connection, "sub_account", entry.SubAccount)
	return nil
}

// isRefusal reports whether the exchange was asked and said no, rather than failed.
func isRefusal(err error) bool {
	return slices.ContainsFunc([]exchanges.Kind{
		exchanges.ErrAuth, exchanges.ErrPermission, exchanges.ErrInvalid, exchanges.ErrConflict,
		exchanges.ErrNotFound, exchanges.ErrUnsupported,
	}, func(kind exchanges.Kind) bool { return errors.Is(err, kind) })
}
