package backend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// tendStatic does what is due of a static role: it ends keys that the role does not
// name, retires the one whose overlap is over, and replaces the one in use. It returns
// when something is due next, as far as it can tell; Vault's tick asks again anyway.
func (e *engine) tendStatic(ctx context.Context, s logical.Storage, name string) (next time.Time) {
	r, err := e.staticRoles.Get(ctx, s, name)
	if err != nil {
		e.Logger().Error("a static role cannot be read, so its keys are not looked after", "static_role", name, "error", err)
		return time.Time{}
	}
	if r == nil {
		r = &staticRole{} // It names no key.
	}
	if err := e.endStrays(ctx, s, name, *r); err != nil {
		e.Logger().Warn("a key that its static role does not name could not be deleted yet", "static_role", name, "error", err)
	}
	if r.Version == 0 && r.Keys.Connection == "" {
		return time.Time{}
	}
	wait, err := e.retirePrevious(ctx, s, name, r)
	if err != nil {
		e.Logger().Warn("a superseded key could not be retired yet", "static_role", name, "key_id", r.Previous.ID, "error", err)
	}
	if err := e.obeySwitch(ctx, s, name, *r); err != nil {
		e.Logger().Warn("a static role could not be disabled, although the kill switch of its connection is on", "static_role", name, "error", err)
	}
	if held, err := e.rotationHeld(ctx, s, *r); err != nil || held != "" {
		return wait
	}
	working, err := e.keyInUse(ctx, s, *r)
	if err != nil {
		return wait
	}
	now := e.now()
	if due := r.due(now, working != nil); due.After(now) {
		return earlier(wait, due)
	}
	keys, err := e.ledger.Count(ctx, s, ofOwner(ownerOf(name)))
	if err != nil || keys > 1 {
		// No role has more than two keys.
		return earlier(wait, now.Add(heldRetry))
	}
	err = e.rotateStatic(ctx, s, name, succession{
		overlap:   r.Overlap,
		requester: ledger.Requester{Reason: "rotation"},
		requestID: fmt.Sprint(ownerOf(name), r.Version, now.UnixNano()),
	})
	if err != nil {
		e.Logger().Warn("the key of a static role could not be replaced yet", "static_role", name, "error", err)
		return e.now().Add(firstRotationRetry)
	}
	return e.now().Add(time.Second) // to see what there is now
}

// earlier is the earlier of two times, of which either may be zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// endStrays ends the keys of a static role that it does not name: those of rotations
// that came to nothing, and all of them once the role is gone.
func (e *engine) endStrays(ctx context.Context, s logical.Storage, name string, r staticRole) error {
	keys, err := e.ledger.Keys(ctx, s, ofOwner(ownerOf(name)))
	if err != nil {
		return err
	}
	var failures []error
	for _, key := range keys {
		switch {
		case r.names(key.ID):
		case key.State == ledger.Live:
			ctx, cancel := context.WithTimeout(ctx, sweepKeyTimeout)
			failures = append(failures, e.revokeByID(ctx, s, key.ID, causeNeverHandedOut))
			cancel()
		default:
			if err := e.sweepOne(ctx, s, key.ID); !errors.Is(err, ledger.ErrBusy) {
				failures = append(failures, err)
			}
		}
	}
	return errors.Join(failures...)
}

// retirePrevious ends the key before the one in use if its overlap is over, and else
// says when it is. The role forgets it at once if somebody has ended it before.
func (e *engine) retirePrevious(ctx context.Context, s logical.Storage, name string, r *staticRole) (next time.Time, err error) {
	p := r.Previous
	if p.ID == "" {
		return time.Time{}, nil
	}
	now := e.now()
	live, err := e.liveKey(ctx, s, p.ID)
	switch {
	case err != nil:
		return time.Time{}, err
	case live == nil:
	case now.Before(p.RetireAt):
		return p.RetireAt, e.noteRetirement(ctx, s, p)
	default:
		if left := e.overlaps.left(p.ID); left > 0 {
			return now.Add(left), nil
		}
		l, err := e.connections.get(ctx, s, r.Keys.Connection)
		if err != nil || l != nil && e.mayDelete(ctx, s, l) != nil {
			return time.Time{}, err // Held back: the key stays as it is.
		}
	}
	if err := e.retire(ctx, s, name, p); err != nil {
		return now.Add(heldRetry), err
	}
	r.Previous = superseded{}
	return time.Time{}, nil
}

// noteRetirement has the ledger know when a superseded key must go, should nobody else.
func (e *engine) noteRetirement(ctx context.Context, s logical.Storage, p superseded) error {
	key, err := e.liveKey(ctx, s, p.ID)
	if err != nil || key == nil || !key.WantedGone.After(p.RetireAt) {
		return err
	}
	claim, err := e.ledger.Claim(ctx, s, p.ID)
	if err != nil {
		return err
	}
	defer claim.Release()
	if claim.Entry().State != ledger.Live {
		return nil
	}
	return claim.Retire(ctx, p.RetireAt)
}

// retire ends a superseded key, and then has the role forget it. Once the ledger knows
// that the key must go, the sweeper sees to it, so that nobody waits for the exchange.
func (e *engine) retire(ctx context.Context, s logical.Storage, name string, p superseded) error {
	if err := e.endKept(ctx, s, p.ID, causeSuperseded); err != nil {
		return err
	}
	err := e.staticRoles.Update(ctx, s, name, func(now *staticRole) (*staticRole, error) {
		if now == nil || now.Previous.ID != p.ID {
			return nil, nil
		}
		now.Previous = superseded{}
		return now, nil
	})
	if err == nil {
		e.overlaps.end(p.ID)
	}
	return err
}

// endKept revokes a key and deletes its secret. It fails only if the ledger may not know
// yet that the key must go, or its secret is still there; that the exchange has not
// deleted it yet is logged.
func (e *engine) endKept(ctx context.Context, s logical.Storage, id, cause string) error {
	ctx, cancel := context.WithTimeout(exchanges.WithPatience(ctx, sweepKeyTimeout), sweepKeyTimeout)
	defer cancel()
	failure := e.revokeByID(ctx, s, id, cause)
	if failure != nil {
		key, known, err := e.ledger.Lookup(ctx, s, id)
		if err != nil || !known || key.State != ledger.Revoking {
			return failure
		}
		e.Logger().Warn("a key of a static role could not be deleted yet; the sweeper keeps trying", "key_id", id, "cause", cause, "error", failure)
	}
	return e.custody.Delete(ctx, s, id)
}

// rotationHeld is why a static role's key is not replaced for now; empty if it may be.
func (e *engine) rotationHeld(ctx context.Context, s logical.Storage, r staticRole) (string, error) {
	l, err := e.connections.get(ctx, s, r.Keys.Connection)
	switch {
	case err != nil:
		return "", err
	case l == nil:
		return fmt.Sprintf("connection %q does not exist", r.Keys.Connection), nil
	case l.frozen() != frozenNo:
		return fmt.Sprintf("connection %q is frozen (%s)", l.name, l.freeze()), nil
	case r.Keys.Disabled:
		return "the role is disabled", nil
	}
	var refused *inputError
	if err := e.checkSwitches(ctx, s, "", l.name); errors.As(err, &refused) {
		return err.Error(), nil
	} else if err != nil {
		return "", err
	}
	return "", nil
}

// obeySwitch disables a static role whose connection's kill switch is on, so that
// nothing begins again by itself once the switch is lifted.
func (e *engine) obeySwitch(ctx context.Context, s logical.Storage, name string, r staticRole) error {
	thrown, err := e.ledger.Switch(ctx, s, ledger.OfConnection, r.Keys.Connection)
	if err != nil || !thrown.On {
		return err
	}
	return e.disableStatic(ctx, s, name)
}

// keyInUse is the present key of a static role, if it is there and not to go.
func (e *engine) keyInUse(ctx context.Context, s logical.Storage, r staticRole) (*ledger.Key, error) {
	key, err := e.liveKey(ctx, s, r.Current)
	if err != nil || key == nil || !key.WantedGone.After(e.now()) {
		return nil, err
	}
	return key, nil
}

// liveKey is a key of the ledger that is in use; nil if it is not, or there is none.
func (e *engine) liveKey(ctx context.Context, s logical.Storage, id string) (*ledger.Key, error) {
	if id == "" {
		return nil, nil
	}
	key, known, err := e.ledger.Lookup(ctx, s, id)
	if err != nil || !known || key.State != ledger.Live {
		return nil, err
	}
	return &key, nil
}
