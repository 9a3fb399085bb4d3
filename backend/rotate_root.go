package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/exchanges"
)

// rotateTimeout bounds one rotation of a root key. It may take four one-time
// codes, of which an exchange takes one per 30 seconds; a caller who does not
// wait that long finds the outcome in the connection.
const rotateTimeout = 130 * time.Second

// rotateGrace is for how much longer a rotation may go on when the mount goes away, as on
// a step-down, which waits for it. It may be cut off anywhere: that a root key is made was
// stored first, so that whichever node comes next deletes it.
const rotateGrace = 2 * time.Second

// rotateRoot replaces the root key of a connection. That one is to be made is stored
// before the exchange is asked. The new key is then made and tried, put in the old
// one's place, there and in every other connection that holds it, and only then is the
// old one deleted. Whatever fails on the way, the
// connection names every root key that may be left, and the rotator deletes it. If asked
// for only if due, it does nothing where the key was replaced meanwhile, such as along
// with that of another connection which shares it.
func (e *engine) rotateRoot(ctx context.Context, s logical.Storage, name, requestID string, onlyIfDue bool) (newKey string, finished bool, err error) {
	if _, busy := e.rotating.LoadOrStore(name, true); busy {
		return "", false, refuse("the root key of connection %q is being replaced already; read config/%[1]s to see the outcome", name)
	}
	defer e.rotating.Delete(name)
	l, err := e.connections.existing(ctx, s, name)
	if err != nil {
		return "", false, err
	}
	if onlyIfDue && !l.rotationDue(e.now()) {
		return "", false, nil
	}
	if !l.account.canRotateRoot() {
		return "", false, refuse("%s has no API call that replaces a root key: make a new one on its website, write it to config/%s, and delete the old one there", l.about.DisplayName, name)
	}
	// Connections that share it take turns.
	root := rootName(l.Exchange, l.Credential.APIKey)
	if _, busy := e.rotating.LoadOrStore(root, true); busy {
		return "", false, refuse("the root key of connection %q is being replaced already, in another one that shares it; read config/%[1]s to see the outcome", name)
	}
	defer e.rotating.Delete(root)
	if err := e.mayDelete(ctx, s, l); err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rotateTimeout)
	defer cancel()
	defer e.rotator.onStop(func() { time.AfterFunc(rotateGrace, cancel) })()
	label, err := makeLabel(e.tag, shortHash(idLength, "root", e.mountUUID, name, requestID), "", labelData{}, l.variant.Label)
	if err != nil {
		return "", false, err
	}
	intent := leftoverRoot{Label: label, Account: l.Account, Since: e.now()}
	if l, err = e.announceRoot(ctx, s, l, intent); err != nil {
		return "", false, err
	}
	fresh, err := l.account.RotateRoot(ctx, label)
	if err != nil {
		return "", false, e.rootNotMade(ctx, s, l, intent, err)
	}
	if err := e.adoptRoot(ctx, s, l, intent, fresh); err != nil {
		return "", false, e.rootNotAdopted(ctx, s, l, intent, fresh, err)
	}
	if err := e.clearLeftovers(ctx, s, name); err != nil {
		e.Logger().Warn("a replaced root key could not be deleted yet", "connection", name, "error", err)
		return fresh.APIKey, false, nil
	}
	return fresh.APIKey, true, nil
}

// announceRoot stores that a root key is about to be made, and returns the connection
// as it then is.
func (e *engine) announceRoot(ctx context.Context, s logical.Storage, l *link, intent leftoverRoot) (*link, error) {
	err := e.connections.table.Update(ctx, s, l.name, func(now *connection) (*connection, error) {
		switch {
		case now == nil || !now.sameAccess(l.connection):
			return nil, changedMeanwhile(l.name)
		case now.Frozen == frozenAll:
			return nil, refuse("connection %q is frozen (%s)", l.name, l.freeze())
		case len(now.Leftovers) > 0:
			return nil, refuse("connection %q has root keys that are not deleted yet (%s); that is tried again every minute, see config/%[1]s/check", l.name, now.Leftovers)
		}
		now.Leftovers = now.Leftovers.with(intent)
		return now, nil
	})
	if err != nil {
		return nil, err
	}
	return e.connections.existing(ctx, s, l.name)
}

// changedMeanwhile refuses to go by what a connection was.
func changedMeanwhile(name string) error {
	return refuse("connection %q was changed by another request meanwhile; nothing was written, so read it and try again", name)
}

// rootNotMade settles a rotation whose first call failed.
func (e *engine) rootNotMade(ctx context.Context, s logical.Storage, l *link, intent leftoverRoot, failure error) error {
	if !surelyNotCreated(failure) {
		return l.failed(fmt.Errorf("%w (if a root key was made, it has %s, nobody has its secret, and the engine deletes it; config/%s/check shows whether it has)", failure, intent, l.name))
	}
	e.withdraw(ctx, s, l.name, intent)
	return l.failed(failure)
}

// withdraw records that a root key which was announced is surely not there.
func (e *engine) withdraw(ctx context.Context, s logical.Storage, name string, intent leftoverRoot) {
	if err := e.forgetLeftover(ctx, s, name, intent); err != nil {
		e.Logger().Warn("could not record that a root key does not exist; the engine looks for it every minute", "connection", name, "root_key", intent.String(), "error", err)
	}
}

// rootNotAdopted deletes a new root key that is not in use. A write that was reported
// as failed may have taken effect all the same, so that storage is asked first: what
// cannot be settled now the rotator settles by what is stored.
func (e *engine) rootNotAdopted(ctx context.Context, s logical.Storage, l *link, intent leftoverRoot, fresh exchanges.Credential, failure error) error {
	now, err := e.connections.table.Get(ctx, s, l.name)
	if err == nil && now != nil && now.Credential.APIKey == fresh.APIKey {
		return fmt.Errorf("%w; the new root key %s is in use all the same", failure, fresh.APIKey)
	}
	if err == nil {
		err = l.account.DeleteRoot(ctx, fresh.APIKey)
	}
	if err != nil {
		return fmt.Errorf("%w; the new root key %s (%s) could not be deleted: %w. While config/%s shows it in leftover_root_keys, that is tried again every minute; else delete it at the exchange",
			failure, fresh.APIKey, intent, err, l.name)
	}
	e.withdraw(ctx, s, l.name, intent)
	return failure
}

// adoptRoot tries the new root key and, if it can mint, puts it in the place of
// the old one, which is to be deleted from then on.
func (e *engine) adoptRoot(ctx context.Context, s logical.Storage, l *link, intent leftoverRoot, fresh exchanges.Credential) error {
	successor := l.connection
	successor.Credential = newCredential(fresh)
	tried, err := e.connections.link(l.name, successor)
	if err != nil {
		return err
	}
	defer tried.account.Close()
	identity, err := tried.account.Inspect(ctx)
	switch {
	case err != nil:
		return l.failed(err)
	case !identity.CanMint:
		return refuse("the new root key cannot mint keys: %s", identity.Problem)
	}
	e.roots.Lock()
	defer e.roots.Unlock()
	err = e.connections.table.Update(ctx, s, l.name, func(now *connection) (*connection, error) {
		if now == nil || !now.sameAccess(l.connection) {
			return nil, changedMeanwhile(l.name)
		}
		now.Leftovers = now.Leftovers.without(intent).with(now.replaced(e.now()))
		now.Lineage = now.lineage()
		now.Credential, now.Rotated, now.Made = successor.Credential, e.now(), true
		return now, nil
	})
	if err == nil {
		e.rootExpiry.note(tried, identity.ExpiresAt)
	}
	return err
}

// replaced is the connection's root key as one that must be deleted.
func (c connection) replaced(at time.Time) leftoverRoot {
	return leftoverRoot{APIKey: c.Credential.APIKey, Account: c.Account, Fingerprint: c.Credential.fingerprint(), Since: at}
}

// tendRoots does what is due about root keys. It works in the background, since a
// rotation can take longer than Vault's tick may, and on each connection at its own
// pace.
func (e *engine) tendRoots(ctx context.Context, s logical.Storage) {
	names, err := e.connections.table.List(ctx, s)
	if err != nil {
		e.Logger().Error("the connections cannot be listed", "error", err)
		return
	}
	e.rootExpiry.keep(names)
	var group errgroup.Group
	group.SetLimit(sweepWorkers)
	for _, name := range names {
		group.Go(func() error {
			e.tendRoot(ctx, s, name)
			return nil
		})
	}
	_ = group.Wait()
}

// tendRoot inspects a connection's root key, deletes those that are left over, and
// replaces it if its rotation period is over.
func (e *engine) tendRoot(ctx context.Context, s logical.Storage, name string) {
	l, err := e.connections.get(ctx, s, name)
	if err != nil || l == nil {
		return // Whoever uses the connection reports it.
	}
	if err := e.inspectRoot(ctx, l); err != nil {
		e.Logger().Warn("a root key could not be inspected", "connection", name, "error", err)
	}
	switch {
	case len(l.Leftovers) > 0:
		err = e.workOffLeftovers(ctx, s, name)
	case l.frozen() == frozenNo && l.rotationDue(e.now()):
		_, _, err = e.rotateRoot(ctx, s, name, timestamp(e.now()), true)
	}
	if err != nil {
		e.Logger().Warn("a root key could not be replaced yet", "connection", name, "error", err)
	}
}

// workOffLeftovers deletes leftover root keys, unless a rotation is under way, one of
// whose keys is among them.
func (e *engine) workOffLeftovers(ctx context.Context, s logical.Storage, name string) error {
	if _, busy := e.rotating.LoadOrStore(name, true); busy {
		return nil
	}
	defer e.rotating.Delete(name)
	ctx, cancel := context.WithTimeout(ctx, rotateTimeout)
	defer cancel()
	return e.clearLeftovers(ctx, s, name)
}

// rotationDue reports whether the root key's rotation period is over. It is a
// pure function of the connection and the clock.
func (c connection) rotationDue(now time.Time) bool {
	return c.RotationPeriod > 0 && !now.Before(c.Rotated.Add(c.RotationPeriod))
}
