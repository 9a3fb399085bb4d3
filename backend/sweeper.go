package backend

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/errgroup"
)

// Bounds of one sweep. Vault calls it once a minute, holds a lock meanwhile,
// and gives it 90 seconds that it shares with others.
const (
	sweepTimeout = 20 * time.Second
	sweepWorkers = 16
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
		e.metrics.sweeps.WithLabelValues(result(err)).Inc()
		e.Logger().Error("the sweeper cannot read the ledger", "error", err)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	e.sweepDue(ctx, s)
	e.rotator.start(s)
	e.metrics.sweeps.WithLabelValues(result(nil)).Inc()
	return nil
}

// sweepDue retires keys until none is due, nothing goes through any more, or
// the context ends. Connections do not wait for each other, so that an
// exchange that is down holds nobody else back.
func (e *engine) sweepDue(ctx context.Context, s logical.Storage) {
	for ctx.Err() == nil {
		var retired atomic.Int64
		var connections sync.WaitGroup
		for _, ids := range e.ledger.index.dueBefore(e.now(), sweepBatch) {
			connections.Go(func() { retired.Add(e.sweepConnection(ctx, s, ids)) })
		}
		connections.Wait()
		if retired.Load() == 0 {
			return
		}
	}
}

// sweepConnection retires keys of one connection and returns how many are
// done with. It stops early once the connection's circuit is open.
func (e *engine) sweepConnection(ctx context.Context, s logical.Storage, ids []string) int64 {
	var retired atomic.Int64
	var down atomic.Bool
	var group errgroup.Group
	group.SetLimit(sweepWorkers)
	for _, id := range ids {
		if down.Load() {
			break
		}
		group.Go(func() error {
			err := e.sweepOne(ctx, s, id)
			switch {
			case err == nil:
				retired.Add(1)
			case errors.Is(err, errCircuitOpen):
				down.Store(true)
			case errors.Is(err, errBusy):
			default:
				e.Logger().Warn("a key that is due could not be deleted yet", "key_id", id, "error", err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return retired.Load()
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
		// A write was reported as failed and took effect all the same.
		e.ledger.index.set(*entry)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sweepKeyTimeout)
	defer cancel()
	return e.retireClaimed(ctx, s, *entry)
}
