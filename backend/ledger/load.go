package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
	"golang.org/x/sync/errgroup"

	"vault-plugin-secrets-exchange/backend/store"
)

const (
	// readsAtATime is how many entries are read at a time: enough to keep storage busy,
	// and few enough to leave others their turn.
	readsAtATime = 16
	// readsInARow is how many of them are taken into the index at once.
	readsInARow = 256
)

// loads lets one load run at a time.
type loads struct {
	mu sync.Mutex
	// now is the load that is running; nil if none is.
	now *running
}

// running is a load. The first channel is closed once all keys count, and both are once it
// has ended.
type running struct {
	counted, done chan struct{}
	once          sync.Once
}

func (r *running) count() { r.once.Do(func() { close(r.counted) }) }

// begin begins a load, or returns the one that is running.
func (l *loads) begin() (load *running, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil {
		return l.now, false
	}
	l.now = &running{counted: make(chan struct{}), done: make(chan struct{})}
	return l.now, true
}

func (l *loads) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.count()
	close(l.now.done)
	l.now = nil
}

func (l *loads) running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now != nil
}

// Loading reports whether the index is being filled now.
func (l *Ledger) Loading() bool { return l.loads.running() }

// Load fills the index from storage, unless it is filled already. Whoever calls it while
// it runs waits for it, and only if it fails reads storage as well. An entry that cannot
// be read is left out, see [Ledger.Unreadable].
func (l *Ledger) Load(ctx context.Context, s logical.Storage) error {
	return l.loadUntil(ctx, s, func() bool { filled, _ := l.index.state(); return filled })
}

// countAll is Load for who need not know more of the keys than how many there are where.
func (l *Ledger) countAll(ctx context.Context, s logical.Storage) error {
	return l.loadUntil(ctx, s, l.index.counts)
}

// loadUntil loads the ledger, or waits for who does, until enough of it is in.
func (l *Ledger) loadUntil(ctx context.Context, s logical.Storage, enough func() bool) error {
	for !enough() {
		load, mine := l.loads.begin()
		if mine {
			err := l.load(ctx, s, load)
			l.loads.end()
			if err != nil {
				return err
			}
			continue
		}
		for _, step := range []chan struct{}{load.counted, load.done} {
			select {
			case <-step:
			case <-ctx.Done():
				return fmt.Errorf("the ledger is still being loaded: %w", ctx.Err())
			}
			if enough() {
				break
			}
		}
	}
	return nil
}

// load reads the whole ledger, the kill switches first: they say which of its keys must
// go. Then come the entries whose ids do not say where they count.
func (l *Ledger) load(ctx context.Context, s logical.Storage, load *running) error {
	_, epoch := l.index.state()
	if err := l.loadSwitches(ctx, s); err != nil {
		return err
	}
	ids, err := l.table.List(ctx, s)
	if err != nil {
		return err
	}
	l.index.list(epoch, ids)
	var first, then []string
	for _, id := range ids {
		if _, place, _ := parseID(id); place == "" {
			first = append(first, id)
		} else {
			then = append(then, id)
		}
	}
	if err := l.readAll(ctx, s, epoch, first); err != nil {
		return err
	}
	l.index.count(epoch)
	load.count()
	if err := l.readAll(ctx, s, epoch, then); err != nil {
		return err
	}
	l.index.fill(epoch)
	return nil
}

// readAll takes entries into the index.
func (l *Ledger) readAll(ctx context.Context, s logical.Storage, epoch int, ids []string) error {
	for row := range slices.Chunk(ids, readsInARow) {
		read, err := l.readRow(ctx, s, row)
		if err != nil {
			return fmt.Errorf("loading the ledger: %w", err)
		}
		l.index.add(epoch, read)
	}
	return nil
}

// readRow reads some entries.
func (l *Ledger) readRow(ctx context.Context, s logical.Storage, ids []string) (loaded, error) {
	entries, unreadable := make([]*Entry, len(ids)), map[string]string{}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtATime)
	for i, id := range ids {
		group.Go(func() (err error) {
			entries[i], err = l.table.Get(ctx, s, id)
			if damaged := (*store.UnreadableError)(nil); errors.As(err, &damaged) {
				mu.Lock()
				defer mu.Unlock()
				unreadable[id], err = damaged.Why, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return loaded{}, err
	}
	read := loaded{ids: ids, unreadable: unreadable}
	for _, entry := range entries {
		if entry != nil {
			read.entries = append(read.entries, *entry)
		}
	}
	return read, nil
}

// loadSwitches reads the kill switches, unless they are known already.
func (l *Ledger) loadSwitches(ctx context.Context, s logical.Storage) error {
	known, epoch := l.index.knowsSwitches()
	if known {
		return nil
	}
	read := map[Kind]map[string]Switch{}
	for kind, w := range l.index.switches {
		var err error
		if read[kind], err = w.load(ctx, s); err != nil {
			return fmt.Errorf("loading the kill switches: %w", err)
		}
	}
	l.index.fillSwitches(epoch, read)
	return nil
}
