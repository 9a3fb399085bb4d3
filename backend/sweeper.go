package backend

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/errgroup"
)

// Bounds of one sweep. Vault calls it once a minute, holds a lock meanwhile,
// and gives it 90 seconds that it shares with others.
const (
	sweepTimeout = 20 * time.Second
	sweepWorkers = 8
	sweepBatch   = 64
	// sweepKeyTimeout bounds the work on one key.
	sweepKeyTimeout = 15 * time.Second
)

// errBusy says that somebody else is at work on the key.
var errBusy = errors.New("a request is at work on the key")

// sweep finishes what is due: pending entries whose mint never came to an end,
// live keys whose lease has ended without Vault asking for their revocation,
// and deletions that failed before. Vault shows nobody the errors of a
// periodic function, so they are logged, and kept in each key's entry.
func (e *engine) sweep(ctx context.Context, s logical.Storage) error {
	if err := e.ledger.load(ctx, s); err != nil {
		e.Logger().Error("the sweeper cannot read the ledger", "error", err)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	for ctx.Err() == nil {
		due := e.ledger.index.dueBefore(e.now(), sweepBatch)
		if len(due) == 0 {
			return nil
		}
		failed := e.sweepKeys(ctx, s, due)
		if failed == len(due) {
			// Nothing goes through now; the next tick tries again.
			return nil
		}
	}
	return nil
}

// sweepKeys retires the keys and returns how many could not be.
func (e *engine) sweepKeys(ctx context.Context, s logical.Storage, ids []string) int {
	var group errgroup.Group
	group.SetLimit(sweepWorkers)
	failures := make([]error, len(ids))
	for i, id := range ids {
		group.Go(func() error {
			failures[i] = e.sweepOne(ctx, s, id)
			return nil
		})
	}
	_ = group.Wait()
	failed := 0
	for i, err := range failures {
		if err != nil {
			failed++
			e.Logger().Warn("a key that is due could not be deleted yet", "key_id", ids[i], "error", err)
		}
	}
	return failed
}

// sweepOne retires one key, unless somebody is at work on it or it is no
// longer due.
func (e *engine) sweepOne(ctx context.Context, s logical.Storage, id string) error {
	release, busy := e.claims.try(id)
	if busy != nil {
		return errBusy
	}
	defer release()
	entry, err := e.ledger.get(ctx, s, id)
	if err != nil {
		return err
	}
	if entry == nil {
		e.ledger.index.remove(id)
		return nil
	}
	if dueAt(*entry).After(e.now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepKeyTimeout)
	defer cancel()
	return e.retireClaimed(ctx, s, *entry)
}
