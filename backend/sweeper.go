package backend

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// Bounds of one sweep. Vault calls it once a minute, holds a lock meanwhile,
// and gives it 90 seconds that it shares with others.
const (
	sweepTimeout = 20 * time.Second
	sweepWorkers = 16
	sweepBatch   = 64
	// sweepKeyTimeout bounds the work on one key, which no sweep begins that would cut it
	// off, and sweepPatience its waits for the rate limit: what a deletion leaves of the
	// time is for its proof.
	sweepKeyTimeout = 15 * time.Second
	sweepPatience   = 10 * time.Second
	// crowdRounds is how often the drainer looks, a second apart, for deletions for which
	// there was no room: for longer than one that fails so is put off.
	crowdRounds = 10
)

// sweep finishes what is due: pending entries whose mint never came to an end,
// live keys whose lease has ended without Vault asking for their revocation,
// and deletions that failed before. Vault shows nobody the errors of a
// periodic function, so they are logged, and kept in each key's entry.
func (e *engine) sweep(ctx context.Context, s logical.Storage) error {
	sweeping, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	beginning, begun := context.WithTimeout(sweeping, sweepTimeout-sweepKeyTimeout)
	defer begun()
	err := e.sweepDue(sweeping, beginning, s)
	e.metrics.sweeps.WithLabelValues(result(err)).Inc()
	if err != nil {
		e.Logger().Error("the sweeper cannot read the ledger", "error", err)
		return err
	}
	if beginning.Err() != nil {
		e.drainer.start(s) // There is more than Vault waits for.
	}
	if !e.ledger.Loading() {
		e.reportUnreadable(ctx, s)
		if err := e.sweepCustody(sweeping, s); err != nil {
			e.Logger().Warn("secrets of keys that are gone could not be deleted; the sweeper will try again", "error", err)
		}
		if err := e.recordUses(sweeping, s); err != nil {
			e.Logger().Warn("could not record when keys were used; the sweeper will try again", "error", err)
		}
		e.schedule(ctx, s)
	}
	e.leaveBeat(ctx, s)
	e.rotator.start(s)
	return nil
}

// leaveBeat leaves the heartbeat that the next start of the mount looks for.
func (e *engine) leaveBeat(ctx context.Context, s logical.Storage) {
	err := e.heartbeat.load(ctx, s, e.connections.table)
	if err == nil {
		err = e.heartbeat.beat(ctx, s)
	}
	if err != nil {
		e.Logger().Warn("the heartbeat could not be written", "error", err)
	}
}

// drain deletes what is due without waiting for Vault's next tick, and then what the rate
// limit had no room for.
func (e *engine) drain(ctx context.Context, s logical.Storage) {
	for left := 1; left > 0; left-- {
		if e.crowded.Swap(false) {
			left = crowdRounds
		}
		if err := e.sweepDue(ctx, ctx, s); err != nil {
			e.Logger().Error("keys that must go could not be looked up; the sweeper will try again", "error", err)
			return
		}
		if left > 1 && e.sleep(ctx, time.Second) != nil {
			return
		}
	}
}

// noteCrowd has the drainer go on with a deletion that failed because the rate limit had no
// room for it.
func (e *engine) noteCrowd(s logical.Storage, failure error) {
	if noRoom(failure) {
		e.crowded.Store(true)
		e.drainer.start(s)
	}
}

// noRoom reports whether a call was not made because the rate limit had no room for it.
func noRoom(failure error) bool {
	return errors.Is(failure, exchanges.ErrNotAsked) && errors.Is(failure, exchanges.ErrRateLimited)
}

// sweepDue revokes keys until none is due or nothing goes through any more. It begins no
// more once beginning has ended, and goes on with what it began. Each connection goes at
// its own pace, so that an exchange that is slow or down holds nobody else back. It fails
// only if the ledger cannot be read.
func (e *engine) sweepDue(ctx, beginning context.Context, s logical.Storage) error {
	due, err := e.ledger.Due(ctx, s, sweepBatch)
	if err != nil {
		return err
	}
	var connections sync.WaitGroup
	for name, ids := range due {
		connections.Go(func() {
			for len(ids) > 0 && e.sweepBatch(ctx, beginning, s, ids) > 0 && beginning.Err() == nil {
				due, err := e.ledger.Due(ctx, s, sweepBatch)
				if err != nil {
					return // Whoever sweeps next reports it.
				}
				ids = due[name]
			}
		})
	}
	connections.Wait()
	return nil
}

// sweepBatch revokes keys of one connection and returns how many are done with. It
// stops early once the connection's circuit is open, or its rate limit has no room for more.
func (e *engine) sweepBatch(ctx, beginning context.Context, s logical.Storage, ids []string) int64 {
	var done atomic.Int64
	var stopped atomic.Bool
	var group errgroup.Group
	group.SetLimit(sweepWorkers)
	for _, id := range ids {
		group.Go(func() error {
			if stopped.Load() || beginning.Err() != nil {
				return nil
			}
			err := e.sweepOne(ctx, s, id)
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, errCircuitOpen), noRoom(err):
				stopped.Store(true)
			case errors.Is(err, ledger.ErrBusy):
			default:
				e.Logger().Warn("a key that is due could not be deleted yet", "key_id", id, "error", err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return done.Load()
}

// sweepOne revokes one key, unless somebody is at work on it or it is not due any
// more.
func (e *engine) sweepOne(ctx context.Context, s logical.Storage, id string) error {
	claim, err := e.ledger.TryClaim(ctx, s, id)
	if err != nil {
		return err
	}
	defer claim.Release()
	if !claim.Due() {
		return nil
	}
	ctx, cancel := context.WithTimeout(exchanges.WithPatience(ctx, sweepPatience), sweepKeyTimeout)
	defer cancel()
	return e.revokeDue(ctx, s, claim, causeOfDue(claim))
}
