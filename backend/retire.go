package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

var (
	// errHeld says that a connection is frozen, deletions included.
	errHeld = refuse("deletions are held back (frozen=all) until an operator lifts the freeze")
	// errQuiet says that a key whose create answer was lost is not listed,
	// and that it is too early to take that for proof.
	errQuiet = logical.CodedError(http.StatusServiceUnavailable, "the key is not listed yet; a create call may still be on its way, so it is looked for again")
)

// mark records that the key is to be deleted, whatever comes. The caller holds
// the claim on the key. Until it is gone the ledger says so, and the sweeper goes
// on trying.
func (e *engine) mark(ctx context.Context, s logical.Storage, entry *keyEntry) error {
	if entry.State == stateRevoking || entry.ExchangeKeyID == "" {
		return nil
	}
	entry.State, entry.Revoking, entry.NextTry = stateRevoking, e.now(), e.now()
	return e.ledger.put(ctx, s, *entry)
}

// retire deletes a marked key at the exchange and, once it is surely gone, removes
// its entry. The caller holds the claim on the key.
func (e *engine) retire(ctx context.Context, s logical.Storage, l *link, entry keyEntry) error {
	if l.Frozen == frozenAll {
		return e.postpone(ctx, s, entry, errHeld)
	}
	err := e.deleteKey(exchanges.WithRevoking(ctx), l, entry)
	e.metrics.revocations.WithLabelValues(l.name, result(err)).Inc()
	// The exchange may have used up the time.
	ctx, cancel := afterwards(ctx)
	defer cancel()
	switch {
	case errors.Is(err, errCircuitOpen):
		// Nothing was tried, or what came of it could not be asked for, so
		// nothing is recorded and the key stays due.
		return l.failed(err)
	case err != nil:
		return e.postpone(ctx, s, entry, l.failed(err))
	}
	return e.ledger.remove(ctx, s, entry.ID)
}

// deleteKey deletes the key by its id, or, if its create answer was lost, by
// whatever id its label leads to. It returns nil only if the key is gone.
func (e *engine) deleteKey(ctx context.Context, l *link, entry keyEntry) error {
	if entry.ExchangeKeyID != "" {
		err := exchanges.SettleOne(ctx, l.account, l.variant, entry.ref())
		if err != nil && l.variant.Unlisted != "" && e.endedByItself(l, entry) == nil {
			return nil
		}
		return err
	}
	if l.variant.Unlisted != "" {
		return e.endedByItself(l, entry)
	}
	if l.variant.Label.MaxLength == 0 {
		// Such a key has a pair of our making, whose private half died with
		// the mint: nobody can use it.
		e.Logger().Warn("the answer to a create call was lost at an exchange without labels; a key that nobody can use may be left there",
			"key_id", entry.ID, "connection", entry.Connection, "sub_account", entry.SubAccount)
		return nil
	}
	for {
		found, err := e.find(ctx, l, entry)
		switch {
		case errors.Is(err, exchanges.ErrNotFound):
			// No key outlives its sub-account.
			return nil
		case err != nil:
			return err
		case found == nil && e.now().Before(entry.Created.Add(pendingGrace)):
			return errQuiet
		case found == nil:
			return nil
		case found.Masked:
			return leftToPerson(l, entry, found)
		}
		ref := entry.ref()
		ref.ID = found.ID
		if err := exchanges.SettleOne(ctx, l.account, l.variant, ref); err != nil {
			return err
		}
	}
}

// leftToPerson says that only a person can delete a key whose create answer was
// lost, because the exchange shows no more than a part of its id. The entry, and
// the place that it takes, stay until the key is no longer listed.
func leftToPerson(l *link, entry keyEntry, found *exchanges.KeyInfo) error {
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: l.Exchange, Operation: exchanges.OpDeleteKey,
		Message: fmt.Sprintf("the key labelled %s is listed only as %s and cannot be deleted through the API; nobody holds its secret", entry.Label, found.ID),
		Remedy:  fmt.Sprintf("delete it on the exchange's website, in sub-account %s", entry.SubAccount),
	}
}

// endedByItself returns nil once a key has surely ended that an exchange which
// lists none cannot find or delete.
func (e *engine) endedByItself(l *link, entry keyEntry) error {
	end := entry.HardLimit.Add(unlistedGrace)
	if left := end.Sub(e.now()); left > 0 {
		return &exchanges.Error{
			Kind: exchanges.ErrUnsupported, Exchange: l.Exchange, Operation: exchanges.OpDeleteKey, RetryAfter: left,
			Message: "the key cannot be found, because the exchange lists none; if it was made, nobody holds it, and by " + timestamp(end) + " it has ended by itself",
		}
	}
	return nil
}

// postpone records a failed attempt and when to try next.
func (e *engine) postpone(ctx context.Context, s logical.Storage, entry keyEntry, failure error) error {
	entry.Attempts++
	entry.LastError = failure.Error()
	entry.NextTry = e.now().Add(retryDelay(entry.Attempts, failure))
	if err := e.ledger.put(ctx, s, entry); err != nil {
		return errors.Join(failure, err)
	}
	return failure
}

// discard deletes a key that was just made and that nobody will get, even if
// that cannot be recorded: it may be all that is left of the key. What fails here
// is finished by the sweeper.
func (e *engine) discard(ctx context.Context, s logical.Storage, l *link, entry keyEntry) {
	marking, marked := afterwards(ctx)
	defer marked()
	if err := e.mark(marking, s, &entry); err != nil {
		e.Logger().Warn("it could not be recorded that a key which nobody holds is to be deleted", "key_id", entry.ID, "connection", entry.Connection, "error", err)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.retire(ctx, s, l, entry); err != nil {
		e.Logger().Warn("a key that nobody holds could not be deleted yet", "key_id", entry.ID, "connection", entry.Connection, "error", err)
	}
}

// abandon ends the key of a request that is being run a second time. What
// fails here is finished by the sweeper.
func (e *engine) abandon(ctx context.Context, s logical.Storage, id string) {
	if err := e.retireByID(ctx, s, id); err != nil {
		e.Logger().Warn("the key of an interrupted request could not be deleted yet", "key_id", id, "error", err)
	}
}

// retireByID deletes the key of a ledger entry at once; nil if it is gone or
// was never there.
func (e *engine) retireByID(ctx context.Context, s logical.Storage, id string) error {
	release, err := e.claims.take(ctx, id)
	if err != nil {
		return fmt.Errorf("key %s is being worked on: %w", id, err)
	}
	defer release()
	entry, err := e.ledger.get(ctx, s, id)
	if err != nil || entry == nil {
		return err
	}
	return e.retireClaimed(ctx, s, *entry)
}

// retireClaimed marks and deletes the key of an entry on which the caller holds
// the claim.
func (e *engine) retireClaimed(ctx context.Context, s logical.Storage, entry keyEntry) error {
	if err := e.mark(ctx, s, &entry); err != nil {
		return err
	}
	l, err := e.connections.get(ctx, s, entry.Connection)
	if err != nil {
		return err
	}
	if l == nil {
		return e.postpone(ctx, s, entry, refuse("connection %q does not exist; write it to config/%[1]s again so that the key can be deleted", entry.Connection))
	}
	return e.retire(ctx, s, l, entry)
}

// afterwards is the context of what must be done however little time was left,
// and whether or not the caller is still there.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), aftermathTimeout)
}

// revokeBudget is the context of a revocation that Vault waits for.
func revokeBudget(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(exchanges.WithPatience(ctx, revokePatience), revokeTimeout)
}
