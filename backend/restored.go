package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// mayBeRestored refuses deletions on a connection whose keys look restored from a
// snapshot. After a start that found the last heartbeat old, the first deletion on a
// connection looks for that, so that neither an unseal nor a mint waits for it.
func (e *engine) mayBeRestored(ctx context.Context, s logical.Storage, l *link) error {
	if err := e.heartbeat.load(ctx, s, e.connections.table); err != nil {
		return err
	}
	if _, doubtful := e.heartbeat.doubts(l.name); !doubtful {
		return nil
	}
	done, err := e.heartbeat.turn(ctx, l.name)
	if err != nil {
		return err
	}
	defer done()
	d, doubtful := e.heartbeat.doubts(l.name)
	if !doubtful {
		return nil
	}
	if d.Found == "" {
		if d.Found, err = e.lookForUnknown(exchanges.WithRevoking(ctx), s, l, d.Since); err != nil {
			return l.failed(fmt.Errorf("the mount did not run for a while, so the exchange's keys must be compared with the ledger before anything is deleted: %w", err))
		}
		if err := e.heartbeat.settle(ctx, s, l.name, d.Found); err != nil {
			e.Logger().Warn("could not record whether keys look restored from a snapshot; the next start looks again", "connection", l.name, "error", err)
		}
		e.reportHeld(l.name, d.Found)
	}
	if d.Found != "" {
		return refuse("deletions are held back: %s", d.Found)
	}
	return nil
}

// confirmRestore lets deletions on a connection go on, whatever was found or would be.
func (e *engine) confirmRestore(ctx context.Context, s logical.Storage, connection string) error {
	if err := e.heartbeat.load(ctx, s, e.connections.table); err != nil {
		return err
	}
	return e.heartbeat.settle(ctx, s, connection, "")
}

// reportHeld logs that a connection's deletions are held back, if they are.
func (e *engine) reportHeld(connection, found string) {
	if found != "" {
		e.Logger().Error("deletions are held back", "connection", connection, "reason", found)
	}
}

// lookForUnknown looks for keys that this mount made after the time and that the
// ledger does not know: then somebody else goes on from the same storage. It says what
// it found, or nothing. What was listed before is not listed again, so that it comes
// to an end however little time each caller has.
func (e *engine) lookForUnknown(ctx context.Context, s logical.Storage, l *link, since time.Time) (string, error) {
	if l.variant.Unlisted != "" || l.variant.Label.MaxLength == 0 {
		return "", nil
	}
	names, err := e.subAccountsInUse(ctx, s, l.name)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		at := subAccountOf{l.name, name}
		if e.heartbeat.wasListed(at) {
			continue
		}
		listed, err := l.account.ListKeys(ctx, name)
		if err != nil && !isRefusalOfPlace(err) {
			return "", err
		}
		unknown, err := e.unknownSince(ctx, s, listed, since)
		if err != nil {
			return "", err
		}
		if len(unknown) > 0 {
			return fmt.Sprintf("sub-account %q has %s with this mount's tag that the ledger does not know, such as %s%s. "+
				"So storage looks restored from a snapshot, and what that was taken of may still run. See config/%s/reconcile; "+
				"once nothing else uses this root key, write confirm_restore=true to config/%[5]s",
				name, keyCount(len(unknown)), unknown[0].Label, madeSince(since), l.name), nil
		}
		e.heartbeat.list(at)
	}
	return "", nil
}

// madeSince says in words when an unknown key was made.
func madeSince(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	return ", made after " + timestamp(since) + ", when the mount last ran"
}

// unknownSince are the keys with this mount's label that are newer than the time, as
// far as the exchange says, and not in the ledger.
func (e *engine) unknownSince(ctx context.Context, s logical.Storage, listed []exchanges.KeyInfo, since time.Time) ([]exchanges.KeyInfo, error) {
	ours := slices.DeleteFunc(slices.Clone(listed), func(key exchanges.KeyInfo) bool {
		return !strings.HasPrefix(key.Label, e.tag) || !key.CreatedAt.IsZero() && !key.CreatedAt.After(since)
	})
	if len(ours) == 0 {
		return nil, nil
	}
	// Read after the list: the entry of a key that is being made is older than the key.
	keys, err := e.ledger.Keys(ctx, s, anyKey)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, key := range keys {
		known[key.Label], known[key.ExchangeKeyID] = true, true
	}
	return slices.DeleteFunc(ours, func(key exchanges.KeyInfo) bool { return known[key.Label] || known[key.ID] }), nil
}

// subAccountsInUse are the sub-accounts in which a connection has keys, or roles may
// have some made, in order.
func (e *engine) subAccountsInUse(ctx context.Context, s logical.Storage, connection string) ([]string, error) {
	held, err := e.subAccountsOf(ctx, s, connection)
	if err != nil {
		return nil, err
	}
	names := slices.Collect(maps.Keys(held))
	roles, err := e.roles.List(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, name := range roles {
		r, err := e.roles.Get(ctx, s, name)
		if err != nil {
			return nil, err
		}
		if r != nil && r.Connection == connection {
			names = append(names, r.SubAccounts...)
		}
	}
	static, err := e.allStaticRoles(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, r := range static {
		if r.Keys.Connection == connection {
			names = append(names, r.Keys.SubAccounts...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// isRefusalOfPlace reports whether a list was refused because of the sub-account that
// it was of, such as one that is gone; others can still be listed.
func isRefusalOfPlace(err error) bool {
	for _, kind := range []exchanges.Kind{exchanges.ErrNotFound, exchanges.ErrInvalid, exchanges.ErrPermission, exchanges.ErrUnsupported} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
