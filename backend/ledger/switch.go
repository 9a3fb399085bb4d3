package ledger

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

// Switch is a kill switch: of a connection, or of a role on whatever connection.
//
// Each time it is thrown its generation rises. An entry records the generations
// under which its key was made, and a key that was made under an older one is
// doomed: it must go, by that rule alone, whatever clocks say and however often the
// process dies meanwhile. A switch outlives its connection or role, so that to
// delete one and write it anew resets nothing.
type Switch struct {
	Generation int `json:"generation"`
	// On says that it was thrown and not lifted since: no new keys.
	On bool `json:"on"`
	// Since is when it was last thrown.
	Since time.Time `json:"since"`
}

// Kind says what a kill switch is of.
type Kind string

// The kinds of kill switches.
const (
	OfConnection Kind = "config"
	OfRole       Kind = "roles"
)

// generations are those of the two switches that a key is under.
type generations struct {
	Connection int `json:"connection"`
	Role       int `json:"role"`
}

// switches are the kill switches of one kind. Those in memory are guarded by the
// index's lock.
type switches struct {
	table  *store.Table[Switch]
	byName map[string]Switch
}

func newSwitches(kind Kind) *switches {
	return &switches{table: store.New[Switch]("switch/"+string(kind)+"/", nil), byName: map[string]Switch{}}
}

// load reads every switch.
func (w *switches) load(ctx context.Context, s logical.Storage) (map[string]Switch, error) {
	names, err := w.table.List(ctx, s)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Switch, len(names))
	for _, name := range names {
		found, err := w.table.Get(ctx, s, name)
		if err != nil {
			return nil, err
		}
		if found != nil {
			byName[name] = *found
		}
	}
	return byName, nil
}

// Switch returns a kill switch; one that was never thrown is zero. It does not wait for the
// rest of the ledger.
func (l *Ledger) Switch(ctx context.Context, s logical.Storage, kind Kind, name string) (Switch, error) {
	if err := l.loadSwitches(ctx, s); err != nil {
		return Switch{}, err
	}
	l.index.mu.Lock()
	defer l.index.mu.Unlock()
	return l.index.switches[kind].byName[name], nil
}

// Throw throws a kill switch: from now on no key is made under it, and every key
// that was is due for deletion, at the cost of one write.
func (l *Ledger) Throw(ctx context.Context, s logical.Storage, kind Kind, name string) error {
	return l.set(ctx, s, kind, name, func(now Switch) Switch {
		return Switch{Generation: now.Generation + 1, On: true, Since: l.now()}
	})
}

// Lift allows new keys again. The keys that were doomed stay so.
func (l *Ledger) Lift(ctx context.Context, s logical.Storage, kind Kind, name string) error {
	return l.set(ctx, s, kind, name, func(now Switch) Switch {
		now.On = false
		return now
	})
}

// set changes a kill switch in storage and then in memory, one at a time, so that
// memory ends with what storage has.
func (l *Ledger) set(ctx context.Context, s logical.Storage, kind Kind, name string, change func(Switch) Switch) error {
	if err := l.loadSwitches(ctx, s); err != nil {
		return err
	}
	l.turning.Lock()
	defer l.turning.Unlock()
	var now Switch
	err := l.index.switches[kind].table.Update(ctx, s, name, func(stored *Switch) (*Switch, error) {
		if stored != nil {
			now = *stored
		}
		now = change(now)
		return &now, nil
	})
	if err == nil {
		l.index.turn(kind, name, now)
	}
	return err
}
