package backend

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend/store"
)

const (
	// beatEvery is how often the heartbeat is written.
	beatEvery = time.Minute
	// beatGap is how old the last beat may be at a start. An older one means that
	// nothing ran for a while, or that storage is as it was some time ago.
	beatGap = 5 * time.Minute
)

// Where the heartbeat lies in storage.
const (
	pulsePrefix = "heartbeat/"
	pulseName   = "last"
)

// pulse is the heartbeat as it is stored.
type pulse struct {
	// Beat is when the node that may write was last there.
	Beat time.Time `json:"beat"`
	// Doubts has the connections at whose exchanges more may have happened than
	// storage knows. They are kept until they are cleared, since the next start finds
	// a fresh beat.
	Doubts map[string]doubt `json:"doubts,omitempty"`
}

// doubt is about one connection.
type doubt struct {
	// Since is the last beat before the gap.
	Since time.Time `json:"since"`
	// Found is what shows that storage was restored; empty while nobody has looked.
	Found string `json:"found,omitempty"`
}

// heartbeat shows the next start of the mount how long nobody was there. It holds its
// lock around no call to storage.
type heartbeat struct {
	table *store.Table[pulse]
	now   func() time.Time
	// writing is held while the pulse is written, so that storage ends with what is
	// in memory.
	writing sync.Mutex

	mu     sync.Mutex
	loaded bool
	pulse  pulse
	// listed has the sub-accounts of doubtful connections that were looked at.
	listed map[subAccountOf]bool
	// turns let one caller at a time look at a connection.
	turns map[string]chan struct{}
}

// subAccountOf is a sub-account of a connection.
type subAccountOf struct{ connection, name string }

func newHeartbeat(now func() time.Time) *heartbeat {
	return &heartbeat{
		table: store.New[pulse](pulsePrefix, nil), now: now,
		listed: map[subAccountOf]bool{}, turns: map[string]chan struct{}{},
	}
}

// load reads the last beat, once. If it is old, every connection gets into doubt,
// which costs no call to an exchange.
func (h *heartbeat) load(ctx context.Context, s logical.Storage, connections *store.Table[connection]) error {
	h.mu.Lock()
	loaded := h.loaded
	h.mu.Unlock()
	if loaded {
		return nil
	}
	var doubtful []string
	last, err := h.table.Get(ctx, s, pulseName)
	var unreadable *store.UnreadableError
	switch {
	case errors.As(err, &unreadable):
		last = &pulse{} // Older than anything at an exchange.
	case err != nil:
		return err
	}
	if last == nil {
		last = &pulse{} // The mount is new, and so has no keys.
	} else if h.now().Sub(last.Beat) > beatGap {
		if doubtful, err = connections.List(ctx, s); err != nil {
			return err
		}
	}

	h.mu.Lock()
	defer h.mu.Unlock()
	if h.loaded {
		return nil
	}
	h.loaded, h.pulse = true, pulse{Beat: last.Beat, Doubts: map[string]doubt{}}
	for _, name := range doubtful {
		h.pulse.Doubts[name] = doubt{Since: last.Beat}
	}
	maps.Copy(h.pulse.Doubts, last.Doubts) // An older doubt goes further back.
	return nil
}

// forget drops what was read, after another node has written.
func (h *heartbeat) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loaded = false
}

// beat writes the heartbeat, unless it was written within the last minute.
func (h *heartbeat) beat(ctx context.Context, s logical.Storage) error {
	h.mu.Lock()
	since := h.now().Sub(h.pulse.Beat)
	if !h.loaded || since >= 0 && since < beatEvery {
		h.mu.Unlock()
		return nil
	}
	h.pulse.Beat = h.now()
	h.mu.Unlock()
	return h.write(ctx, s)
}

// doubts returns what is not known of a connection, if anything is.
func (h *heartbeat) doubts(connection string) (doubt, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, is := h.pulse.Doubts[connection]
	return d, is
}

// found is what shows that a connection's keys were restored; empty if nothing does.
func (h *heartbeat) found(connection string) string {
	d, _ := h.doubts(connection)
	return d.Found
}

// held returns what was found, by connection.
func (h *heartbeat) held() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	held := map[string]string{}
	for name, d := range h.pulse.Doubts {
		if d.Found != "" {
			held[name] = d.Found
		}
	}
	return held
}

// settle records what a look at a connection has found; nothing clears it. It stands
// in memory even if it cannot be written; the next start then looks again.
func (h *heartbeat) settle(ctx context.Context, s logical.Storage, connection, found string) error {
	h.mu.Lock()
	d, doubtful := h.pulse.Doubts[connection]
	switch {
	case !doubtful:
	case found == "":
		delete(h.pulse.Doubts, connection)
		maps.DeleteFunc(h.listed, func(at subAccountOf, _ bool) bool { return at.connection == connection })
	default:
		d.Found = found
		h.pulse.Doubts[connection] = d
	}
	h.mu.Unlock()
	if !doubtful {
		return nil
	}
	return h.write(ctx, s)
}

// write brings storage to what is in memory.
func (h *heartbeat) write(ctx context.Context, s logical.Storage) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	now := pulse{Beat: h.pulse.Beat, Doubts: maps.Clone(h.pulse.Doubts)}
	h.mu.Unlock()
	return h.table.Put(ctx, s, pulseName, now)
}

// wasListed reports whether a sub-account was looked at, and list records it.
func (h *heartbeat) wasListed(at subAccountOf) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listed[at]
}

func (h *heartbeat) list(at subAccountOf) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listed[at] = true
}

// turn waits until nobody else looks at the connection. Done ends the turn.
func (h *heartbeat) turn(ctx context.Context, connection string) (done func(), err error) {
	h.mu.Lock()
	turn := h.turns[connection]
	if turn == nil {
		turn = make(chan struct{}, 1)
		h.turns[connection] = turn
	}
	h.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
