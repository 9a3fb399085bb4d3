package ledger

import (
	"context"
	"errors"
	"fmt"
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
	// done is closed once the load that is running has ended; nil if none is.
	done chan struct{}
}

// begin begins a load, or returns what tells that the one which is running has ended.
func (l *loads) begin() (running <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done != nil {
		return l.done
	}
	l.done = make(chan struct{})
	return nil
}

func (l *loads) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.done)
	l.done = nil
}

func (l *loads) running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done != nil
}

// Loading reports whether the index is being filled now.
func (l *Ledger) Loading() bool { return l.loads.running() }

// Load fills the index from storage, unless it is filled already. Whoever calls it while
// it runs waits for it, and only if it fails reads storage as well. An entry that cannot
// be read is left out, see [Ledger.Unreadable].
func (l *Ledger) Load(ctx context.Context, s logical.Storage) error {
	for {
		filled, epoch := l.index.state()
		if filled {
			return nil
		}
		if running := l.loads.begin(); running != nil {
			select {
			case <-running:
				continue
			case <-ctx.Done():
				return fmt.Errorf("the ledger is still being loaded: %w", ctx.Err())
			}
		}
		err := l.load(ctx, s, epoch)
		l.loads.end()
		if err != nil {
			return err
		}
	}
}

// load reads the whole ledger, the kill switches first: they say which of its keys must go.
func (l *Ledger) load(ctx context.Context, s logical.Storage, epoch int) error {
	if err := l.loadSwitches(ctx, s); err != nil {
		return err
	}
	ids, err := l.table.List(ctx, s)
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		row := ids[:min(len(ids), readsInARow)]
		ids = ids[len(row):]
		read, err := l.readRow(ctx, s, row)
		if err != nil {
			return fmt.Errorf("loading the ledger: %w", err)
		}
		l.index.add(epoch, read)
	}
	l.index.fill(epoch)
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
	read := loaded{unreadable: unreadable}
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
