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

// rotateRoot replaces the root key of a connection: the new key is made and
// tried, then stored, and only then is the old one deleted. A failure before
// the write leaves the old key in use and deletes the new one; one after it
// leaves the deletion to the sweeper.
func (e *engine) rotateRoot(ctx context.Context, s logical.Storage, name, requestID string) (newKey string, finished bool, err error) {
	if _, busy := e.rotating.LoadOrStore(name, true); busy {
		return "", false, refuse("the root key of connection %q is being replaced already; read config/%[1]s to see the outcome", name)
	}
	defer e.rotating.Delete(name)
	l, err := e.connections.existing(ctx, s, name)
	if err != nil {
		return "", false, err
	}
	switch {
	case !l.account.canRotateRoot():
		return "", false, refuse("%s has no API call that replaces a root key: make a new one on its website, write it to config/%s, and delete the old one there", l.about.DisplayName, name)
	case l.Superseded != "":
		return "", false, refuse("the root key %s of connection %q, which was replaced before, is not deleted yet; that is tried again every minute", l.Superseded, name)
	}
	if err := e.mayDelete(ctx, s, l); err != nil {
		return "", false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rotateTimeout)
	defer cancel()
	label, err := makeLabel(e.tag, shortHash(idLength, "root", e.mountUUID, requestID), "", labelData{}, l.variant.Label)
	if err != nil {
		return "", false, err
	}
	fresh, err := l.account.RotateRoot(ctx, label)
	if err != nil {
		return "", false, l.failed(err)
	}
	if err := e.adoptRoot(ctx, s, l, fresh); err != nil {
		if undo := l.account.DeleteRoot(ctx, fresh.APIKey); undo != nil {
			err = fmt.Errorf("%w; the new root key %s is not in use and could not be deleted (%w): delete it at the exchange", err, fresh.APIKey, undo)
		}
		return "", false, err
	}
	if err := e.deleteSuperseded(ctx, s, name); err != nil {
		e.Logger().Warn("a replaced root key could not be deleted yet", "connection", name, "error", err)
		return fresh.APIKey, false, nil
	}
	return fresh.APIKey, true, nil
}

// adoptRoot tries the new root key and, if it can mint, puts it in the place of
// the old one.
func (e *engine) adoptRoot(ctx context.Context, s logical.Storage, l *link, fresh exchanges.Credential) error {
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
	return e.connections.table.Update(ctx, s, l.name, func(now *connection) (*connection, error) {
		if now == nil || !now.sameAccess(l.connection) {
			return nil, refuse("connection %q was changed by another request meanwhile", l.name)
		}
		now.Superseded, now.Credential, now.Rotated = now.Credential.APIKey, successor.Credential, e.now()
		return now, nil
	})
}

// deleteSuperseded deletes the root key that a connection had before, if it is
// still to be deleted.
func (e *engine) deleteSuperseded(ctx context.Context, s logical.Storage, name string) error {
	l, err := e.connections.existing(ctx, s, name)
	if err != nil || l.Superseded == "" {
		return err
	}
	if err := e.mayDelete(ctx, s, l); err != nil {
		return err
	}
	if !l.account.canRotateRoot() {
		return nil
	}
	if err := l.account.DeleteRoot(ctx, l.Superseded); err != nil {
		return l.failed(err)
	}
	return e.connections.table.Update(ctx, s, name, func(now *connection) (*connection, error) {
		if now == nil || now.Superseded != l.Superseded {
			return nil, nil
		}
		now.Superseded = ""
		return now, nil
	})
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

// tendRoot inspects a connection's root key, deletes those that it has replaced and
// that are still there, and replaces it if its rotation period is over.
func (e *engine) tendRoot(ctx context.Context, s logical.Storage, name string) {
	l, err := e.connections.get(ctx, s, name)
	if err != nil || l == nil {
		return // Whoever uses the connection reports it.
	}
	if err := e.inspectRoot(ctx, l); err != nil {
		e.Logger().Warn("a root key could not be inspected", "connection", name, "error", err)
	}
	switch {
	case l.Superseded != "":
		err = e.deleteLeftover(ctx, s, name)
	case l.frozen() == frozenNo && l.rotationDue(e.now()):
		_, _, err = e.rotateRoot(ctx, s, name, timestamp(e.now()))
	}
	if err != nil {
		e.Logger().Warn("a root key could not be replaced yet", "connection", name, "error", err)
	}
}

// deleteLeftover deletes a root key that a rotation left behind, unless another
// rotation is under way.
func (e *engine) deleteLeftover(ctx context.Context, s logical.Storage, name string) error {
	if _, busy := e.rotating.LoadOrStore(name, true); busy {
		return nil
	}
	defer e.rotating.Delete(name)
	ctx, cancel := context.WithTimeout(ctx, rotateTimeout)
	defer cancel()
	return e.deleteSuperseded(ctx, s, name)
}

// rotationDue reports whether the root key's rotation period is over. It is a
// pure function of the connection and the clock.
func (c connection) rotationDue(now time.Time) bool {
	return c.RotationPeriod > 0 && !now.Before(c.Rotated.Add(c.RotationPeriod))
}
