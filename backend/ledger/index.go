package ledger

import (
	"container/heap"
	"sync"
	"time"
)

// Key is what is known of a key without reading storage.
type Key struct {
	ID, Connection, SubAccount, Role string
	State                            State
	Created, Expires                 time.Time
	// WantedGone is since when the key should have been gone: in the future for
	// one that is live and within its lease.
	WantedGone time.Time

	due  time.Time
	slot int // in the heap
}

// Tally counts the keys that there are, whatever their state.
type Tally struct{ index *index }

// InSubAccount counts a connection's keys in a sub-account.
func (t Tally) InSubAccount(connection, name string) int {
	return t.index.inSubAccounts[place{connection, name}]
}

// OfRole counts a connection's keys of a role.
func (t Tally) OfRole(connection, name string) int { return t.index.ofRoles[place{connection, name}] }

// NextEnd is when the first live key of a connection ends; zero if it has none.
func (t Tally) NextEnd(connection string) time.Time {
	var next time.Time
	for _, key := range t.index.keys {
		if key.Connection == connection && key.State == Live && (next.IsZero() || key.Expires.Before(next)) {
			next = key.Expires
		}
	}
	return next
}

// place is a sub-account or a role of a connection.
type place struct{ connection, name string }

// index is what must be known of every key without reading storage: where it
// counts, and when it must be looked at next. It is loaded whole and then follows
// every write.
type index struct {
	mu            sync.Mutex
	keys          map[string]*Key
	inSubAccounts map[place]int
	ofRoles       map[place]int
	due           dueHeap
	// filled says that the whole ledger is in; epochs counts the times that it
	// was emptied, so that a load begun before is not taken for whole.
	filled bool
	epochs int
	// changed has the entries that were written while a load was running, which
	// know better than what the load read.
	changed map[string]bool
}

func newIndex() *index {
	return &index{keys: map[string]*Key{}, inSubAccounts: map[place]int{}, ofRoles: map[place]int{}, changed: map[string]bool{}}
}

// state reports whether the whole ledger is in, and the present epoch.
func (x *index) state() (filled bool, epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled, x.epochs
}

// fill takes what a load read that began in the epoch, except for entries written
// meanwhile.
func (x *index) fill(epoch int, entries []Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.filled || x.epochs != epoch {
		return
	}
	for _, entry := range entries {
		if !x.changed[entry.ID] {
			x.setLocked(entry)
		}
	}
	x.filled = true
	clear(x.changed)
}

// empty forgets everything, so that the next use loads the ledger anew.
func (x *index) empty() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.keys)
	clear(x.inSubAccounts)
	clear(x.ofRoles)
	clear(x.changed)
	x.due = nil
	x.filled = false
	x.epochs++
}

// reserve gives a new key its place in the count before it is written, if choose,
// shown the tally under the lock, finds a sub-account for it. Two mints can
// therefore not take the same last slot. The place is given back by remove, or
// taken by set.
func (x *index) reserve(entry *Entry, choose func(Tally) (subAccount string, err error)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	subAccount, err := choose(Tally{x})
	if err != nil {
		return err
	}
	entry.SubAccount = subAccount
	x.note(entry.ID)
	x.setLocked(*entry)
	return nil
}

func (x *index) set(entry Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.note(entry.ID)
	x.setLocked(entry)
}

func (x *index) remove(id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.note(id)
	x.removeLocked(id)
}

// note remembers a change that a running load may have missed.
func (x *index) note(id string) {
	if !x.filled {
		x.changed[id] = true
	}
}

func (x *index) setLocked(entry Entry) {
	x.removeLocked(entry.ID)
	key := &Key{
		ID: entry.ID, Connection: entry.Connection, SubAccount: entry.SubAccount, Role: entry.Role,
		State: entry.State, Created: entry.Created, Expires: entry.Expires, WantedGone: wantedGone(entry), due: dueAt(entry),
	}
	x.keys[entry.ID] = key
	x.count(key, 1)
	heap.Push(&x.due, key)
}

func (x *index) removeLocked(id string) {
	if key := x.keys[id]; key != nil {
		heap.Remove(&x.due, key.slot)
		x.count(key, -1)
		delete(x.keys, id)
	}
}

// count adds a key to the tally, or with -1 takes it out.
func (x *index) count(key *Key, n int) {
	add := func(counts map[place]int, at place) {
		if counts[at] += n; counts[at] == 0 {
			delete(counts, at)
		}
	}
	add(x.inSubAccounts, place{key.Connection, key.SubAccount})
	add(x.ofRoles, place{key.Connection, key.Role})
}

// has reports whether a key of that id is in the index.
func (x *index) has(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.keys[id] != nil
}

// matching returns the keys that satisfy the condition, in no order.
func (x *index) matching(condition func(Key) bool) []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	var found []Key
	for _, key := range x.keys {
		if condition(*key) {
			found = append(found, *key)
		}
	}
	return found
}

// dueBefore returns the ids of the keys due by then, by connection, the longest
// due first, at most limit of each connection.
func (x *index) dueBefore(now time.Time, limit int) map[string][]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var taken []*Key
	for len(x.due) > 0 && !x.due[0].due.After(now) {
		taken = append(taken, heap.Pop(&x.due).(*Key))
	}
	ids := map[string][]string{}
	for _, key := range taken {
		if len(ids[key.Connection]) < limit {
			ids[key.Connection] = append(ids[key.Connection], key.ID)
		}
		heap.Push(&x.due, key)
	}
	return ids
}

// dueHeap orders keys by due time.
type dueHeap []*Key

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	key := x.(*Key)
	key.slot = len(*h)
	*h = append(*h, key)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	old := *h
	key := old[len(old)-1]
	*h = old[:len(old)-1]
	return key
}
