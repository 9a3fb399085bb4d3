package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// errQuiet says that a key whose create answer was lost is not listed, and that it is
// too early to take that for proof.
var errQuiet = logical.CodedError(http.StatusServiceUnavailable, "the key is not listed yet; a create call may still be on its way, so it is looked for again")

// revokeByID revokes the key of a ledger entry; nil if it is gone or was never
// there.
func (e *engine) revokeByID(ctx context.Context, s logical.Storage, id string, cause string) error {
	claim, err := e.ledger.Claim(ctx, s, id)
	if err != nil {
		return err
	}
	defer claim.Release()
	if !claim.Exists() {
		return nil
	}
	return e.revoke(ctx, s, claim, cause)
}

// discard revokes a key that nobody holds or will get, even if it cannot be
// condemned first: the claim may be all that is left of it. What fails here the
// sweeper finishes; [fate] says what became of the key.
func (e *engine) discard(ctx context.Context, s logical.Storage, claim *ledger.Claim) {
	entry := claim.Entry()
	condemning, condemned := afterwards(ctx)
	defer condemned()
	if err := claim.Condemn(condemning, causeNeverHandedOut); err != nil {
		e.Logger().Warn("could not record that a key which nobody holds must be deleted", "key_id", entry.ID, "connection", entry.Connection, "error", err)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.deleteCondemned(ctx, s, claim); err != nil {
		e.Logger().Warn("a key that nobody holds could not be deleted yet", "key_id", entry.ID, "connection", entry.Connection, "error", err)
	}
}

// fate says what became of a key that was discarded, for whoever asked for it: never
// that it is gone unless that is proved.
func fate(variant exchanges.Variant, claim *ledger.Claim) string {
	entry, proved := claim.Entry(), !claim.Exists()
	switch {
	case entry.ExchangeKeyID == "" && proved:
		return "if the key was made, nobody holds it"
	case entry.ExchangeKeyID == "":
		return inDoubt(entry.ID)
	case proved && variant.NoDeletion != "":
		return fmt.Sprintf("the key was revoked (%s)", variant.NoDeletion)
	case proved:
		return "the key was deleted"
	}
	return fmt.Sprintf("the key could not be deleted yet: the engine keeps trying, keys/%s shows how far it is", entry.ID)
}

// inDoubt says what becomes of a key that may have been made.
func inDoubt(id string) string {
	return fmt.Sprintf("if the key was made, nobody holds it and the engine deletes it; keys/%s shows whether it has", id)
}

// revoke ends a key because somebody asked for it, even if it cannot be recorded
// that the key must go: storage that fails must not keep a key alive that is known to
// be unwanted. What fails here the sweeper finishes; if nothing was recorded, the
// error says so, and whoever asked must ask again.
func (e *engine) revoke(ctx context.Context, s logical.Storage, claim *ledger.Claim, cause string) error {
	err := claim.Condemn(ctx, cause)
	if errors.Is(err, logical.ErrReadOnly) {
		return err // Vault sends the request on to the node that may write.
	}
	if err != nil {
		e.warnUnrecorded(claim.Entry(), err)
	}
	return e.deleteCondemned(ctx, s, claim)
}

// revokeLeased is revoke for a lease that Vault ends. The record is written while the
// exchange is asked: whatever ends the plugin meanwhile, Vault still has the lease and
// asks again. A node that may not write leaves the exchange to the one that may.
func (e *engine) revokeLeased(ctx context.Context, s logical.Storage, claim *ledger.Claim) error {
	if !e.vault.mayWrite() {
		return e.revoke(ctx, s, claim, causeLeaseEnded)
	}
	entry := claim.Entry()
	err := claim.CondemnBeside(ctx, causeLeaseEnded, func(failure error) { e.warnUnrecorded(entry, failure) })
	if err != nil {
		return err
	}
	return e.deleteCondemned(ctx, s, claim)
}

func (e *engine) warnUnrecorded(entry ledger.Entry, failure error) {
	e.Logger().Warn("could not record that a key must be deleted; it is deleted anyway", "key_id", entry.ID, "connection", entry.Connection, "error", failure)
}

// revokeDue ends a key that is due by the ledger, though nobody asked. It stops if
// it cannot record that the key must go: another node may have taken over and
// renewed the key, and this one, whose ledger is out of date, would delete it. What
// fails here a later sweep finishes.
func (e *engine) revokeDue(ctx context.Context, s logical.Storage, claim *ledger.Claim, cause string) error {
	if err := claim.Condemn(ctx, cause); err != nil {
		return err
	}
	return e.deleteCondemned(ctx, s, claim)
}

// deleteCondemned deletes the key at its exchange and forgets it once it is proved
// gone; else it records the failure, and when to try again. Its error also says what
// could not be recorded.
func (e *engine) deleteCondemned(ctx context.Context, s logical.Storage, claim *ledger.Claim) error {
	entry := claim.Entry()
	l, err := e.connections.get(ctx, s, entry.Connection)
	switch {
	case err != nil:
		return errors.Join(err, claim.Condemn(ctx, ""))
	case l == nil:
		return postpone(ctx, claim, refuse("connection %q does not exist; write it to config/%[1]s again so that the key can be deleted", entry.Connection))
	}
	if err = e.mayDelete(ctx, s, l); err == nil {
		err = l.failed(e.deleteAtExchange(exchanges.WithRevoking(ctx), l, entry))
	}
	// The exchange may have used up the time.
	ctx, cancel := afterwards(ctx)
	defer cancel()
	switch {
	case (errors.Is(err, errCircuitOpen) || noRoom(err)) && entry.LastError != "":
		// Nothing was tried, or what came of it could not be asked for: the key stays
		// due. Why it is still there was recorded before.
		return errors.Join(err, claim.Condemn(ctx, ""))
	case err != nil:
		return postpone(ctx, claim, err)
	}
	e.gone.note(entry.ID) // Should storage fail now, this need not be proved again.
	if err := e.dropSecret(ctx, s, entry); err != nil {
		return err
	}
	if err := claim.Forget(ctx); err != nil {
		return err
	}
	e.logGone(entry)
	return nil
}

// postpone records an attempt that failed, and returns the failure.
func postpone(ctx context.Context, claim *ledger.Claim, failure error) error {
	if err := claim.Postpone(ctx, failure); err != nil {
		return errors.Join(failure, err)
	}
	return failure
}

// deleteAtExchange deletes the key by its id, or, if its create answer was lost, by
// whatever id its label leads to. It returns nil only if the key is gone; the exchange
// is not asked about one that this process has proved gone before.
func (e *engine) deleteAtExchange(ctx context.Context, l *link, entry ledger.Entry) (err error) {
	if e.gone.has(entry.ID) {
		return nil
	}
	defer func() { e.metrics.revocations.WithLabelValues(l.name, result(err)).Inc() }()
	switch {
	case entry.ExchangeKeyID != "" && l.variant.Unlisted != "":
		if err := exchanges.SettleOne(ctx, l.account, l.variant, entry.Ref(e.now())); err != nil && e.endedByItself(l, entry) != nil {
			return err
		}
		return nil
	case entry.ExchangeKeyID != "":
		return exchanges.SettleOne(ctx, l.account, l.variant, entry.Ref(e.now()))
	case l.variant.Unlisted != "":
		return e.endedByItself(l, entry)
	case l.variant.Label.MaxLength == 0:
		// Such a key has a pair of our making, whose private half died with the
		// mint: nobody can use it.
		e.Logger().Warn("the answer to a create call was lost at an exchange without labels; a key that nobody can use may be left there",
			"key_id", entry.ID, "connection", entry.Connection, "sub_account", entry.SubAccount)
		return nil
	}
	return e.deleteByLabel(ctx, l, entry)
}

// deleteByLabel deletes whatever bears the key's label.
func (e *engine) deleteByLabel(ctx context.Context, l *link, entry ledger.Entry) error {
	for {
		found, err := e.find(ctx, l, entry)
		switch {
		case err != nil:
			return e.withoutSubAccount(ctx, l, entry, err)
		case found == nil && e.now().Before(entry.Created.Add(ledger.PendingGrace)):
			return errQuiet
		case found == nil:
			return nil
		case found.Masked:
			return leftToPerson(l, entry, found)
		}
		ref := entry.Ref(e.now())
		ref.ID = found.ID
		if err := exchanges.SettleOne(ctx, l.account, l.variant, ref); err != nil {
			return err
		}
	}
}

// leftToPerson says that only a person can delete a key whose create answer was
// lost, because the exchange shows no more than a part of its id. The entry, and
// the place that it takes, stay until the key is no longer listed.
func leftToPerson(l *link, entry ledger.Entry, found *exchanges.KeyInfo) error {
	return &exchanges.Error{
		Kind: exchanges.ErrUnsupported, Exchange: l.Exchange, Operation: exchanges.OpDeleteKey,
		Message: fmt.Sprintf("the key labelled %s is listed only as %s and cannot be deleted through the API; nobody holds its secret", entry.Label, found.ID),
		Remedy:  fmt.Sprintf("delete it on the exchange's website, in sub-account %s", entry.SubAccount),
	}
}

// endedByItself returns nil once a key has surely ended that an exchange which
// lists none cannot find or delete.
func (e *engine) endedByItself(l *link, entry ledger.Entry) error {
	end := entry.HardLimit.Add(unlistedGrace)
	if left := end.Sub(e.now()); left > 0 {
		return &exchanges.Error{
			Kind: exchanges.ErrUnsupported, Exchange: l.Exchange, Operation: exchanges.OpDeleteKey, RetryAfter: left,
			Message: "the key cannot be found, because the exchange lists none; if it was made, nobody holds it, and by " + timestamp(end) + " it has ended by itself",
		}
	}
	return nil
}
