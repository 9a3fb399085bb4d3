package ledger

import (
	"container/heap"
	"maps"
	"sync"
	"time"
)

// Key is what is known of a key without reading storage.
type Key struct {
	ID, Connection, SubAccount, Role, Owner string
	// APIKey and ExchangeKeyID are empty while they are not known. DisplayName is
	// the requester's.
	APIKey, ExchangeKeyID, DisplayName string
	State                              State
	Created, Expires                   time.Time
	// WantedGone is since when the key should have been gone: in the future for
	// one that is live and within its lease.
	WantedGone time.Time
	// Attempts at deletion that failed, and why the last one did.
	Attempts  int
	LastError string

	generations generations
	due         time.Time
	slot        int // in the heap
}

// Tally counts the keys that there are, whatever their state.
type Tally struct{ index *index }

// InSubAccount counts a connection's keys in a sub-account.
func (t Tally) InSubAccount(connection, name string) int {
	return t.index.inSubAccounts[place{connection, name}]
}

// OfRole counts a connection's keys of a role.
func (t Tally) OfRole(connection, name string) int { return t.index.ofRoles[place{connection, name}] }

// NextEnd is when the first lease of a live key of a connection ends; zero if it has
// none.
func (t Tally) NextEnd(connection string) time.Time {
	var next time.Time
	for _, key := range t.index.keys {
		if key.Connection == connection && key.State == Live && !key.Expires.IsZero() && (next.IsZero() || key.Expires.Before(next)) {
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
	switches      map[Kind]*switches
	// expired has when the keys that are live past their lease were first seen to
	// be, by a clock that nobody can set.
	expired map[string]time.Duration
	// unreadable has the entries that cannot be read, and why.
	unreadable map[string]string
	// filled says that the whole ledger is in; epochs counts the times that it
	// was emptied, so that a load begun before is not taken for whole.
	filled bool
	epochs int
	// changed has the entries that were written while a load was running, which
	// know better than what the load read.
	changed map[string]bool
}

func newIndex() *index {
	return &index{
		keys: map[string]*Key{}, inSubAccounts: map[place]int{}, ofRoles: map[place]int{}, changed: map[string]bool{},
		switches: map[Kind]*switches{OfConnection: newSwitches(OfConnection), OfRole: newSwitches(OfRole)},
		expired:  map[string]time.Duration{}, unreadable: map[string]string{},
	}
}

// state reports whether the whole ledger is in, and the present epoch.
func (x *index) state() (filled bool, epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled, x.epochs
}

// loaded is what a load has read.
type loaded struct {
	entries    []Entry
	unreadable map[string]string
	switches   map[Kind]map[string]Switch
}

// fill takes what a load read that began in the epoch, except for entries written
// meanwhile.
func (x *index) fill(epoch int, read loaded) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.filled || x.epochs != epoch {
		return
	}
	for kind, byName := range read.switches {
		x.switches[kind].byName = byName
	}
	maps.Copy(x.unreadable, read.unreadable)
	for _, entry := range read.entries {
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
	clear(x.expired)
	clear(x.unreadable)
	for _, w := range x.switches {
		clear(w.byName)
	}
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
	entry.Generations = x.present(entry.Connection, entry.Role)
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
		ID: entry.ID, Connection: entry.Connection, SubAccount: entry.SubAccount, Role: entry.Role, Owner: entry.Owner,
		APIKey: entry.APIKey, ExchangeKeyID: entry.ExchangeKeyID, DisplayName: entry.Requester.DisplayName,
		State: entry.State, Created: entry.Created, Expires: entry.Expires, WantedGone: wantedGone(entry),
		Attempts: entry.Attempts, LastError: entry.LastError,
		generations: entry.Generations, due: dueAt(entry),
	}
	x.doom(key)
	x.keys[entry.ID] = key
	x.count(key, 1)
	heap.Push(&x.due, key)
}

func (x *index) removeLocked(id string) {
	if key := x.keys[id]; key != nil {
		heap.Remove(&x.due, key.slot)
		x.count(key, -1)
		delete(x.keys, id)
		delete(x.expired, id)
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

// present are the generations of the switches that a key is under.
func (x *index) present(connection, role string) generations {
	return generations{x.switches[OfConnection].byName[connection].Generation, x.switches[OfRole].byName[role].Generation}
}

// generationsOf is present for those who do not hold the lock.
func (x *index) generationsOf(connection, role string) generations {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.present(connection, role)
}

// doomed reports whether a key was made under an older generation.
func (x *index) doomed(connection, role string, made generations) bool {
	now := x.present(connection, role)
	return made.Connection < now.Connection || made.Role < now.Role
}

// doom makes a live key due at once if it is doomed. (One that is not live is on its
// way out, or is still being made by a request that will find the switch thrown.)
func (x *index) doom(key *Key) {
	if key.State == Live && x.doomed(key.Connection, key.Role, key.generations) {
		key.due = time.Time{}
		key.WantedGone = later(x.switches[OfConnection].byName[key.Connection].Since, x.switches[OfRole].byName[key.Role].Since)
	}
}

// turn sets a kill switch, and dooms the keys that are under it.
func (x *index) turn(kind Kind, name string, now Switch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.switches[kind].byName[name] = now
	for _, key := range x.keys {
		if (kind == OfConnection && key.Connection == name) || (kind == OfRole && key.Role == name) {
			x.doom(key)
			heap.Fix(&x.due, key.slot)
		}
	}
}

// secondLook is how far apart the two looks must be after which a live key is taken
// for expired: a clock that jumped ahead has been put right by then.
const secondLook = 30 * time.Second

// dueBefore returns the ids of the keys due by then, by connection, the longest due
// first, at most limit of each connection. A live key that is not doomed is due only
// if it was so at an earlier look too, at least secondLook ago by the elapsed time,
// and at every look between.
func (x *index) dueBefore(now time.Time, elapsed time.Duration, limit int) map[string][]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.expired {
		if key := x.keys[id]; key == nil || key.due.After(now) {
			delete(x.expired, id)
		}
	}
	var taken []*Key
	for len(x.due) > 0 && !x.due[0].due.After(now) {
		taken = append(taken, heap.Pop(&x.due).(*Key))
	}
	ids := map[string][]string{}
	for _, key := range taken {
		if len(ids[key.Connection]) < limit && x.surelyDue(key, elapsed) {
			ids[key.Connection] = append(ids[key.Connection], key.ID)
		}
		heap.Push(&x.due, key)
	}
	return ids
}

// surelyDue takes a look at a key that is due by the clock.
func (x *index) surelyDue(key *Key, elapsed time.Duration) bool {
	if key.State != Live || key.due.IsZero() {
		return true
	}
	first, seen := x.expired[key.ID]
	if !seen {
		x.expired[key.ID] = elapsed
		return false
	}
	return elapsed-first >= secondLook
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
