package backend

import (
	"container/heap"
	"sync"
	"time"
)

// index is what must be known of every key without reading storage: where it
// counts, and when the sweeper must look at it next.
type index struct {
	mu sync.Mutex
	tally
	due dueHeap
	// filled says that the whole ledger is in; epochs counts the times that
	// it was emptied, so that a load begun before is not taken for whole.
	filled bool
	epochs int
	// changed has the entries that were written while a load was running,
	// which know better than what the load read.
	changed map[string]bool
}

// tally is all keys, and how many there are where.
type tally struct {
	keys          map[string]*indexed
	inSubAccounts map[place]int
	ofRoles       map[place]int
}

func newTally() *tally {
	return &tally{keys: map[string]*indexed{}, inSubAccounts: map[place]int{}, ofRoles: map[place]int{}}
}

// place is a sub-account or a role of a connection.
type place struct{ connection, name string }

// add counts a key, or with -1 takes it out of the count.
func (t *tally) add(key *indexed, n int) {
	count := func(counts map[place]int, at place) {
		if counts[at] += n; counts[at] == 0 {
			delete(counts, at)
		}
	}
	count(t.inSubAccounts, place{key.connection, key.subAccount})
	count(t.ofRoles, place{key.connection, key.role})
}

// nextEnd is when the first live key of a connection ends; zero if there is
// none.
func (t *tally) nextEnd(connection string) time.Time {
	var next time.Time
	for _, key := range t.keys {
		if key.connection == connection && key.state == stateLive && (next.IsZero() || key.expires.Before(next)) {
			next = key.expires
		}
	}
	return next
}

// indexed is one key in the index.
type indexed struct {
	id, connection, subAccount, role string
	state                            state
	created, expires, due            time.Time
	// wanted is since when the key, if it is not live, is to be deleted.
	wanted time.Time
	// slot in the heap.
	slot int
}

func newIndex() index {
	return index{tally: *newTally(), changed: map[string]bool{}}
}

func (x *index) loaded() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled
}

func (x *index) epoch() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.epochs
}

// fill takes what a load read, except for entries written meanwhile.
func (x *index) fill(epoch int, entries []keyEntry) {
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

func (x *index) set(entry keyEntry) {
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

func (x *index) setLocked(entry keyEntry) {
	x.removeLocked(entry.ID)
	key := &indexed{
		id: entry.ID, connection: entry.Connection, subAccount: entry.SubAccount, role: entry.Role,
		state: entry.State, created: entry.Created, expires: entry.Expires, due: dueAt(entry), wanted: entry.wantedGone(),
	}
	x.keys[entry.ID] = key
	x.add(key, 1)
	heap.Push(&x.due, key)
}

func (x *index) removeLocked(id string) {
	if key := x.keys[id]; key != nil {
		heap.Remove(&x.due, key.slot)
		x.add(key, -1)
		delete(x.keys, id)
	}
}

// has reports whether a key of that id is in the ledger.
func (x *index) has(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.keys[id] != nil
}

// each shows every key, under the lock.
func (x *index) each(show func(*indexed)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, key := range x.keys {
		show(key)
	}
}

// since is when a key should have been gone: in the future for one that is
// live and within its lease.
func (k *indexed) since() time.Time {
	if k.state == stateLive {
		return k.expires
	}
	return k.wanted
}

// count counts the keys that satisfy the condition.
func (x *index) count(condition func(*indexed) bool) int {
	return len(x.ids(condition))
}

// ids returns the ids of the keys that satisfy the condition, in no order.
func (x *index) ids(condition func(*indexed) bool) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var found []string
	for id, key := range x.keys {
		if condition(key) {
			found = append(found, id)
		}
	}
	return found
}

// choose shows the tally to the function under the lock.
func (x *index) choose(choose func(*tally) (string, error)) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return choose(&x.tally)
}

// reserve gives a new key its place in the count before it is written, if
// choose, shown the tally under the lock, finds a sub-account for it. Two mints
// can therefore not take the same last slot. The place is given back by
// remove, or taken by set.
func (x *index) reserve(entry *keyEntry, choose func(*tally) (subAccount string, err error)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	subAccount, err := choose(&x.tally)
	if err != nil {
		return err
	}
	entry.SubAccount = subAccount
	x.note(entry.ID)
	x.setLocked(*entry)
	return nil
}

// dueBefore returns the ids of the keys due by then, by connection, the
// longest due first, at most limit of each connection.
func (x *index) dueBefore(now time.Time, limit int) map[string][]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var taken []*indexed
	for len(x.due) > 0 && !x.due[0].due.After(now) {
		taken = append(taken, heap.Pop(&x.due).(*indexed))
	}
	ids := map[string][]string{}
	for _, key := range taken {
		if len(ids[key.connection]) < limit {
			ids[key.connection] = append(ids[key.connection], key.id)
		}
		heap.Push(&x.due, key)
	}
	return ids
}

// dueHeap orders keys by due time.
type dueHeap []*indexed

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	key := x.(*indexed)
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
