// Package ledger is the durable record of every key that exists at an exchange or
// may exist there. A key's entry is written before the exchange is asked for the
// key, and removed only once the key is proved gone.
//
// An entry is written through a [Claim] alone, which lets one goroutine at a time
// act on a key and holds the rules of a key's life as a state machine. Everybody
// may read: [Ledger.Keys] and [Ledger.Tell] answer from an index in memory, without
// storage once that is loaded.
//
// The package knows Vault's storage and nothing else of Vault. It never calls an
// exchange: what it is told of one, it believes. Start reading at [Claim].
package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

// Prefix of the entries in storage.
const Prefix = "key/"

// keptEntries is how many entries are kept in memory, so that to renew or revoke a key
// needs no read: those of the keys that were made or used last.
const keptEntries = 10_000

// ErrBusy says that somebody else has the claim on a key.
var ErrBusy = errors.New("a request is at work on the key")

// Ledger is the record of one mount's keys. Its methods may be called
// concurrently. Those that take a storage load the index on first use.
type Ledger struct {
	table  *store.Table[Entry]
	index  *index
	claims *claims
	now    func() time.Time
	// elapsed is a clock that nobody can set: the time since some moment.
	elapsed func() time.Duration
	// turning is held while a kill switch is turned.
	turning sync.Mutex
	loads   loads
}

// New returns a ledger that goes by the clock, and, where a clock that jumps must do
// no harm, by the time elapsed since some moment.
func New(now func() time.Time, elapsed func() time.Duration) *Ledger {
	return &Ledger{
		table:   store.New[Entry](Prefix, nil).Keeping(keptEntries),
		index:   newIndex(),
		claims:  &claims{held: map[string]chan struct{}{}},
		now:     now,
		elapsed: elapsed,
	}
}

// Unreadable returns the ids of the entries that are damaged or were written by a
// newer version, with the reason. Nobody knows what their keys are; all else goes
// on.
func (l *Ledger) Unreadable(ctx context.Context, s logical.Storage) (map[string]string, error) {
	if err := l.Load(ctx, s); err != nil {
		return nil, err
	}
	l.index.mu.Lock()
	defer l.index.mu.Unlock()
	return maps.Clone(l.index.unreadable), nil
}

// Invalidate forgets what is kept in memory of an entry, named by its key in storage,
// after another node has written it.
func (l *Ledger) Invalidate(key string) {
	ours := l.table.Invalidate(key)
	for _, w := range l.index.switches {
		ours = w.table.Invalidate(key) || ours
	}
	if ours {
		l.index.empty()
	}
}

// Has reports whether there is an entry of that id, be it one that cannot be read.
func (l *Ledger) Has(ctx context.Context, s logical.Storage, id string) (bool, error) {
	if err := l.Load(ctx, s); err != nil {
		return false, err
	}
	l.index.mu.Lock()
	defer l.index.mu.Unlock()
	_, damaged := l.index.unreadable[id]
	return damaged || l.index.keys[id] != nil, nil
}

// Lookup returns what is known of a key without reading its entry; false if nothing is,
// since there is no such key or its entry cannot be read. While the ledger is being loaded
// it reads the entry, and waits for nobody.
func (l *Ledger) Lookup(ctx context.Context, s logical.Storage, id string) (Key, bool, error) {
	key, sure := l.index.get(id)
	if key == nil && !sure {
		entry, err := l.Find(ctx, s, id)
		if damaged := (*store.UnreadableError)(nil); errors.As(err, &damaged) {
			return Key{}, false, nil
		}
		if err == nil {
			err = l.loadSwitches(ctx, s)
		}
		if err != nil || entry == nil {
			return Key{}, false, err
		}
		key = l.index.of(*entry)
	}
	if key == nil {
		return Key{}, false, nil
	}
	return *key, true, nil
}

// Find returns one entry as it is stored; nil if there is none.
func (l *Ledger) Find(ctx context.Context, s logical.Storage, id string) (*Entry, error) {
	return l.table.Get(ctx, s, id)
}

// Keys returns the keys that satisfy the condition, by id. It asks of every key, which
// holds nobody up; what must be quick asks the [Tally].
func (l *Ledger) Keys(ctx context.Context, s logical.Storage, condition func(Key) bool) ([]Key, error) {
	if err := l.Load(ctx, s); err != nil {
		return nil, err
	}
	return l.index.matching(condition), nil
}

// Count counts the keys that satisfy the condition.
func (l *Ledger) Count(ctx context.Context, s logical.Storage, condition func(Key) bool) (int, error) {
	keys, err := l.Keys(ctx, s, condition)
	return len(keys), err
}

// After returns the first keys whose ids come after the given one, by id, at most limit;
// all, if that is 0.
func (l *Ledger) After(ctx context.Context, s logical.Storage, id string, limit int) ([]Key, error) {
	if err := l.Load(ctx, s); err != nil {
		return nil, err
	}
	return l.index.after(id, limit), nil
}

// Choose asks choose where a new key would go, without reserving the place.
func (l *Ledger) Choose(ctx context.Context, s logical.Storage, choose func(Tally) (subAccount string, err error)) (subAccount string, err error) {
	if failure := l.Tell(ctx, s, func(t Tally) { subAccount, err = choose(t) }); failure != nil {
		return "", failure
	}
	return subAccount, err
}

// Due returns the ids of the keys that must be looked at now, by connection, at most limit
// of each connection: the one that has been due the longest first, and with it the others
// of its sub-account, whose deletion one list can prove. A key whose lease has ended is
// among them only if it was found so twice, half a minute apart, so that a clock which
// jumps ahead for a moment ends no key early. While the ledger is being loaded it goes by
// what is loaded.
func (l *Ledger) Due(ctx context.Context, s logical.Storage, limit int) (map[string][]string, error) {
	if !l.Loading() {
		if err := l.Load(ctx, s); err != nil {
			return nil, err
		}
	}
	return l.index.dueBefore(l.now(), l.elapsed(), limit), nil
}

// Claim waits until nobody else acts on the key and reads its entry; nobody gets a claim
// on an entry that cannot be read, which is a [store.UnreadableError]. The claim must be
// released. While it is held nobody else writes the entry.
func (l *Ledger) Claim(ctx context.Context, s logical.Storage, id string) (*Claim, error) {
	if err := l.claims.take(ctx, id); err != nil {
		return nil, fmt.Errorf("key %s is being worked on: %w", id, err)
	}
	return l.read(ctx, s, id)
}

// ClaimNew is Claim for the key of a request, by the stem of its id: a request that is run
// a second time finds the entry of the first. What [Claim.Reserve] enters then has an id
// that says where the key counts. It waits until it is known which entries there are, not
// until they are loaded.
func (l *Ledger) ClaimNew(ctx context.Context, s logical.Storage, stem string) (*Claim, error) {
	if err := l.claims.take(ctx, stem); err != nil {
		return nil, fmt.Errorf("key %s is being worked on: %w", stem, err)
	}
	id, sure := l.index.ofStem(stem)
	for !sure {
		if err := l.countAll(ctx, s); err != nil {
			l.claims.release(stem)
			return nil, err
		}
		id, sure = l.index.ofStem(stem)
	}
	claim, err := l.read(ctx, s, id)
	if err == nil {
		claim.isStem = !claim.Exists()
	}
	return claim, err
}

// TryClaim is Claim for those who would rather come back: it fails with [ErrBusy]
// if somebody else has the claim.
func (l *Ledger) TryClaim(ctx context.Context, s logical.Storage, id string) (*Claim, error) {
	if busy := l.claims.try(id); busy != nil {
		return nil, ErrBusy
	}
	return l.read(ctx, s, id)
}

// read reads the entry on which a claim was taken; one that cannot be read is a
// [store.UnreadableError]. An entry of which the index does not even know the id was never
// written, so that storage need not be asked. The index
// learns what was found: a write may have been reported as failed and have taken
// effect all the same.
func (l *Ledger) read(ctx context.Context, s logical.Storage, id string) (*Claim, error) {
	claim := &Claim{ledger: l, storage: s, id: id}
	if key, sure := l.index.get(id); key == nil && sure {
		return claim, nil
	}
	entry, err := l.table.Get(ctx, s, id)
	if err != nil {
		l.claims.release(id)
		return nil, err
	}
	if entry == nil {
		l.index.remove(id)
		return claim, nil
	}
	claim.entry = *entry
	l.index.set(*entry)
	return claim, nil
}

// Held counts the claims that are held: none, once nobody is at work.
func (l *Ledger) Held() int { return l.claims.count() }
