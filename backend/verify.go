package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// lookTimeout bounds one look at the exchange's list for what its create answer left
// open.
const lookTimeout = 15 * time.Second

// verify compares a new key with what was asked for, and takes down what the exchange
// added to it. What the create answer does not show, or shows otherwise, is looked for
// in the exchange's list, which may have the key a little later: until the given time
// at the longest. The key is recorded before the wait, so that a crash meanwhile leaves
// its id.
func (e *engine) verify(ctx context.Context, o *order, claim *ledger.Claim, key exchanges.Key, until time.Time) error {
	entry := claim.Entry()
	if !isWhole(key, entry.KeyType) {
		return o.link.failed(notWhole(o.link))
	}
	seen := inspect(o, entry.Addresses)
	defer func() {
		if len(seen.added.Permissions) > 0 {
			claim.Added(seen.added)
		}
	}()
	seen.answer(key)
	if seen.decided() {
		return seen.refusal()
	}
	var failure error
	look := func() bool {
		var listed *exchanges.KeyInfo
		if listed, failure = e.lookUp(ctx, o.link, entry); listed != nil {
			seen.list(*listed)
		}
		return seen.decided() || isFinal(failure)
	}
	if !look() {
		if err := claim.Made(ctx, exchanges.KeyRef{ID: key.ID, Token: key.Token}); err != nil {
			return err
		}
		e.again(ctx, until, look)
	}
	switch {
	case seen.decided() || seen.contradicted():
	case ctx.Err() != nil:
		return ctx.Err()
	case failure != nil:
		return o.link.failed(fmt.Errorf("the new key could not be compared with what was asked for: %w", failure))
	}
	return seen.refusal()
}

// lookUp looks for a new key in the exchange's list; nil if it is not there.
func (e *engine) lookUp(ctx context.Context, l *link, entry ledger.Entry) (*exchanges.KeyInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	keys, err := l.account.ListKeys(ctx, entry.SubAccount)
	if err != nil {
		return nil, err
	}
	return pick(keys, entry), nil
}

// pick returns the listed key that is the entry's: the one with its id or, where
// parts of ids are hidden, the only one that may have it and bears the label.
func pick(keys []exchanges.KeyInfo, entry ledger.Entry) *exchanges.KeyInfo {
	var similar []exchanges.KeyInfo
	for _, key := range keys {
		switch {
		case key.ID == entry.ExchangeKeyID:
			return &key
		case key.Masked && key.MayBe(entry.ExchangeKeyID) && key.Label == entry.Label:
			similar = append(similar, key)
		}
	}
	if len(similar) != 1 {
		return nil
	}
	return &similar[0]
}

// isFinal reports whether the exchange will answer the same however often it is asked.
func isFinal(err error) bool {
	return slices.ContainsFunc([]exchanges.Kind{exchanges.ErrAuth, exchanges.ErrPermission, exchanges.ErrInvalid, exchanges.ErrUnsupported},
		func(kind exchanges.Kind) bool { return errors.Is(err, kind) })
}

// notWhole says that the answer to a create call held no whole key.
func notWhole(l *link) error {
	return &exchanges.Error{
		Kind: exchanges.ErrOutcomeUnknown, Exchange: l.Exchange, Operation: exchanges.OpCreateKey, Message: "the answer holds no key",
	}
}

// isWhole reports whether the answer to a create call held a whole key of the type.
func isWhole(key exchanges.Key, t exchanges.KeyType) bool {
	switch {
	case key.ID == "" || key.APIKey == "":
		return false
	case t == exchanges.KeyHMAC:
		return key.APISecret != ""
	case t == exchanges.KeyBearer:
		return key.Token != ""
	}
	return true
}

// find looks a key up in the exchange's list, by its id or else by its label;
// nil if it is not there.
func (e *engine) find(ctx context.Context, l *link, entry ledger.Entry) (*exchanges.KeyInfo, error) {
	keys, err := l.account.ListKeys(ctx, entry.SubAccount)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if (entry.ExchangeKeyID != "" && key.ID == entry.ExchangeKeyID) || (entry.ExchangeKeyID == "" && entry.Label != "" && key.Label == entry.Label) {
			return &key, nil
		}
	}
	return nil, nil
}
