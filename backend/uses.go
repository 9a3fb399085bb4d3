package backend

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// recordEvery is how often at the most the ledger is told that a key was used.
const recordEvery = time.Hour

// uses counts in memory what was signed with each key, so that no signature writes.
type uses struct {
	mu sync.Mutex
	of map[string]*use // by the key's id in the ledger
}

// use is what was signed with one key since that was recorded last.
type use struct {
	count          int
	last, recorded time.Time
}

func newUses() *uses { return &uses{of: map[string]*use{}} }

// note notes that something was signed with a key.
func (u *uses) note(id string, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	one := u.of[id]
	if one == nil {
		one = &use{}
		u.of[id] = one
	}
	one.count, one.last = one.count+1, now
}

// unrecorded is how often a key was used that the ledger does not know of, and when last.
func (u *uses) unrecorded(id string) (count int, last time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.of[id]; one != nil {
		return one.count, one.last
	}
	return 0, time.Time{}
}

// due are the keys whose uses are to be recorded. Those that nobody used since they were
// recorded long ago are forgotten.
func (u *uses) due(now time.Time) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var ids []string
	for id, one := range u.of {
		switch {
		case now.Sub(one.recorded) < recordEvery:
		case one.count > 0:
			ids = append(ids, id)
		default:
			delete(u.of, id)
		}
	}
	return ids
}

// recorded notes that the ledger knows of so many uses.
func (u *uses) recorded(id string, count int, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if one := u.of[id]; one != nil {
		one.count, one.recorded = one.count-count, now
	}
}

// forget forgets a key that is gone.
func (u *uses) forget(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.of, id)
}

// recordUses has the ledger know when keys were used, as far as it does not. What fails
// is recorded another time.
func (e *engine) recordUses(ctx context.Context, s logical.Storage) error {
	var failures []error
	for _, id := range e.uses.due(e.now()) {
		if err := e.recordUse(ctx, s, id); !errors.Is(err, ledger.ErrBusy) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (e *engine) recordUse(ctx context.Context, s logical.Storage, id string) error {
	claim, err := e.ledger.TryClaim(ctx, s, id)
	if err != nil {
		return err
	}
	defer claim.Release()
	if !claim.Exists() {
		e.uses.forget(id)
		return nil
	}
	count, last := e.uses.unrecorded(id)
	if err := claim.Used(ctx, count, last); err != nil {
		return err
	}
	e.uses.recorded(id, count, e.now())
	return nil
}
