package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/custody"
	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// A static role's key is replaced in steps, each of which leaves things so that the
// next start of the engine can go on:
//
//	step                                         if the process dies after it
//	the successor is entered as pending          the sweeper settles it, as any other
//	it is made, compared and tried               the same
//	its secret is put into custody               the same; the secret goes with the key
//	it is recorded as live                       tendStatic ends it, since no role names it
//	the role names it, and the key before it     nothing is lost: the rotation is done
//	the ledger notes when the key before is due  tendStatic does that
//	the key before is revoked and its secret     tendStatic goes on with it
//	deleted, and the role forgets it
//
// The key in use is never ended before the role names another, unless somebody said
// that it is compromised.

// Gaps between attempts at a rotation that fails.
const (
	firstRotationRetry = 15 * time.Second
	// heldRetry is when a rotation is looked at again that is held up by a key that is
	// not gone yet.
	heldRetry = 15 * time.Second
)

// proofTimeout bounds how long a new key is tried that the exchange does not accept yet.
const proofTimeout = 10 * time.Second

// succession is how another key takes the place of the one in use.
type succession struct {
	// overlap is how long the key before stays.
	overlap time.Duration
	// compromised ends the keys that there are before another is made.
	compromised bool
	requester   ledger.Requester
	requestID   string
}

// rotateStatic replaces the key of a static role, and records it if that fails.
func (e *engine) rotateStatic(ctx context.Context, s logical.Storage, name string, c succession) error {
	connection, err := e.replaceStatic(ctx, s, name, c)
	e.metrics.rotations.WithLabelValues(connection, result(err)).Inc()
	if err == nil || ctx.Err() != nil {
		return err
	}
	recording, cancel := afterwards(ctx)
	defer cancel()
	unrecorded := e.staticRoles.Update(recording, s, name, func(r *staticRole) (*staticRole, error) {
		if r == nil {
			return nil, nil
		}
		r.Failures++
		r.LastError = err.Error()
		r.NextTry = e.now().Add(exchanges.RetryDelay(firstRotationRetry, ledger.LastRetry, r.Failures, err))
		return r, nil
	})
	if unrecorded != nil {
		e.Logger().Warn("could not record that a rotation failed", "static_role", name, "error", unrecorded)
	}
	return err
}

// answerTimeout is how long a request waits for a rotation, which goes on without it.
const answerTimeout = 45 * time.Second

// rotateInTurn replaces the key of a static role, whose job was taken, for somebody who
// waits, though not for long. The job is given back when the rotation has ended.
func (e *engine) rotateInTurn(ctx context.Context, s logical.Storage, name string, done func(), c succession) error {
	ended := make(chan error, 1)
	spawned := e.scheduler.spawn(done, func(ctx context.Context) {
		ended <- e.rotateStatic(ctx, s, name, c)
		e.scheduler.wake(staticJob(name))
	})
	if !spawned {
		done()
		return refuse("the plugin is being stopped; try again")
	}
	waiting, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	select {
	case err := <-ended:
		return err
	case <-waiting.Done():
		return logical.CodedError(http.StatusGatewayTimeout, fmt.Sprintf("the exchange is slow: the rotation continues in the background, and static-roles/%s shows when it is done", name))
	}
}

// replaceStatic makes another key for a static role and puts it in the place of the one
// in use.
func (e *engine) replaceStatic(ctx context.Context, s logical.Storage, name string, c succession) (connection string, err error) {
	before, err := e.staticRoles.Get(ctx, s, name)
	if err != nil || before == nil {
		return "", err
	}
	connection = before.Keys.Connection
	l, err := e.connections.get(ctx, s, connection)
	if err != nil {
		return connection, err
	}
	if l != nil {
		// If a key that was superseded could not be deleted, none is superseded.
		if err := e.mayDelete(ctx, s, l); err != nil {
			return connection, err
		}
	}
	if c.compromised {
		for _, id := range []string{before.Current, before.Previous.ID} {
			if id == "" {
				continue
			}
			if err := e.endKept(ctx, s, id, causeCompromised); err != nil {
				return connection, fmt.Errorf("the compromised key could not be deleted, and no new one was made: %w", err)
			}
		}
	}
	var m *minted
	o, err := e.staticOrder(ctx, s, name, *before, c)
	if err == nil {
		m, err = e.mint(ctx, s, o)
	}
	if err != nil && c.compromised {
		err = fmt.Errorf("the compromised key is deleted, but no new one could be made: %w", err)
	}
	if err != nil {
		return connection, err
	}
	e.logKey(loggedMinted, m.entry, "static_role", name, "version", before.Version+1)
	working, err := e.keyInUse(ctx, s, *before)
	if err != nil {
		return connection, err // The key is ended as one that no role names.
	}
	return connection, e.commitStatic(ctx, s, name, before.Current, working, m, c)
}

// staticOrder is what a static role asks for. It makes no call to the exchange.
func (e *engine) staticOrder(ctx context.Context, s logical.Storage, name string, r staticRole, c succession) (*order, error) {
	if r.Keys.Disabled {
		return nil, refuse("static role %q is disabled", name)
	}
	l, err := e.openForMinting(ctx, s, name, r.Keys.Connection)
	if err != nil {
		return nil, err
	}
	if err := e.checkSwitches(ctx, s, "", l.name); err != nil {
		return nil, err
	}
	grant, err := r.check(name, l)
	if err != nil {
		return nil, err
	}
	addresses, err := keyAddresses(r.Keys, "", nil)
	if err != nil {
		return nil, err
	}
	working, err := e.keyInUse(ctx, s, r)
	if err != nil {
		return nil, err
	}
	keys := r.Keys
	keys.MaxWait = maxMaxWait
	if working != nil {
		keys.MaxWait = activationPatience(l.variant)
	}
	o := &order{
		role: keys, owner: ownerOf(name), link: l, subAccounts: []string{l.variant.SubAccountName(r.subAccount())},
		grant: grant, addresses: addresses, keyType: keys.keyType(l.variant), requester: c.requester, requestID: c.requestID,
	}
	o.lifetime.maxTTL = nativeLife(l.variant)
	o.keep = func(ctx context.Context, entry ledger.Entry, m *minted) error {
		secret := custody.Of(m.key, m.privateKey, entry.SubAccount)
		if err := e.proveKey(ctx, o.link, entry, secret, m, working != nil); err != nil {
			return err
		}
		return e.custody.Put(ctx, s, entry.ID, secret)
	}
	return o, nil
}

// proveKey has a new key used once before it takes the place of one that works. A
// refusal that shows that the exchange knows the key, such as one of Vault's own
// address, is as good as an answer. If it stays open whether the exchange knows the
// key, its list decides. A key that takes no other's place need not be accepted yet.
func (e *engine) proveKey(ctx context.Context, l *link, entry ledger.Entry, secret custody.Secret, m *minted, replaces bool) error {
	if l.account.canProbe() {
		if m.ready || !replaces {
			return nil
		}
		return refuse("%s has not accepted the new key within %s; the current key stays", l.about.DisplayName, exchanges.Period(activationPatience(l.variant)))
	}
	user, err := e.openKey(l, secret.Credential())
	if err != nil {
		return l.failed(err)
	}
	defer user.Close()
	var failure error
	try := func() bool {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		_, failure = user.Inspect(ctx)
		return failure == nil || isRefusal(failure) && !errors.Is(failure, exchanges.ErrAuth)
	}
	if try() || e.again(ctx, e.now().Add(proofTimeout), try) {
		return nil
	}
	listed, err := e.lookUp(ctx, l, entry)
	switch {
	case err != nil:
		return l.failed(fmt.Errorf("the new key could not be tried: %w", failure))
	case listed == nil:
		return l.failed(fmt.Errorf("the new key does not work: %w", failure))
	}
	return nil
}

// commitStatic has the role name the new key. The key before it, if it works, stays for
// the overlap; if none does, the one before that stays for what is left of its own.
func (e *engine) commitStatic(ctx context.Context, s logical.Storage, name, before string, working *ledger.Key, m *minted, c succession) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	var left superseded
	err := e.staticRoles.Update(ctx, s, name, func(r *staticRole) (*staticRole, error) {
		if r == nil || r.Current != before {
			return nil, refuse("static role %q was changed by another request meanwhile", name)
		}
		now := e.now()
		if working != nil {
			left = superseded{ID: working.ID, APIKey: working.APIKey, RetireAt: now.Add(c.overlap)}
		}
		if working != nil || c.compromised {
			r.Previous = left
		}
		r.Version++
		r.Current, r.Ready = m.entry.ID, m.ready
		r.Schedule.LastVaultRotation, r.Schedule.NextVaultRotation = now, r.next(now, m.entry.HardLimit)
		r.Failures, r.LastError, r.NextTry = 0, "", time.Time{}
		return r, nil
	})
	if err != nil {
		// The write may have taken effect all the same, and the key be in use: what is
		// stored decides, and then ends whichever key the role does not name.
		stored, read := e.staticRoles.Get(ctx, s, name)
		if read != nil || stored == nil || stored.Current != m.entry.ID {
			return fmt.Errorf("%w; the new key is deleted, unless the role names it", err)
		}
	}
	if left.ID == "" {
		return nil
	}
	if c.overlap > 0 {
		e.overlaps.begin(left.ID, c.overlap)
		if err := e.noteRetirement(ctx, s, left); err != nil {
			e.Logger().Warn("could not record when a superseded key must be deleted; the scheduler will try again", "key_id", left.ID, "error", err)
		}
		return nil
	}
	e.overlaps.begin(left.ID, 0)
	if err := e.retire(ctx, s, name, left); err != nil {
		e.Logger().Warn("a superseded key could not be retired yet", "static_role", name, "key_id", left.ID, "error", err)
	}
	return nil
}
