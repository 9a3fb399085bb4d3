package ledger

import (
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/google/btree"
)

// Key is what is known of a key without reading storage.
type Key struct {
	ID, Connection, SubAccount, Role, Owner string
	Exchange, Label                         string
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
}

// index is what must be known of every key without reading storage: where it
// counts, and when it must be looked at next. It is loaded whole and then follows
// every write. Its lock is held for a few steps only, and for a walk over all keys by a kill
// switch alone: who else wants that walks over a copy of inOrder, which costs nothing to make.
type index struct {
	mu sync.Mutex
	// keys are not changed, but replaced.
	keys map[string]*Key
	// inOrder has the same keys, by id.
	inOrder *btree.BTreeG[*Key]
	// shelves have them by connection.
	shelves  map[string]*shelf
	switches map[Kind]*switches
	looks    looks
	// unreadable has the entries that cannot be read, and why.
	unreadable map[string]string
	// unread has the entries that are there and not in the index yet.
	unread *unread
	// filled says that the whole ledger is in, switched that the kill switches are, and
	// counted that what is not in counts nonetheless, since its ids are in unread;
	// epochs counts the times that it was emptied, so that a load begun before is not
	// taken for whole.
	filled, switched, counted bool
	epochs                    int
	// changed has the entries that were written while a load was running, which
	// know better than what the load read.
	changed map[string]bool
}

func newIndex() *index {
	return &index{
		keys: map[string]*Key{}, inOrder: sorted(byID), shelves: map[string]*shelf{}, changed: map[string]bool{},
		switches:   map[Kind]*switches{OfConnection: newSwitches(OfConnection), OfRole: newSwitches(OfRole)},
		unreadable: map[string]string{}, unread: newUnread(),
	}
}

// state reports whether the whole ledger is in, and the present epoch.
func (x *index) state() (filled bool, epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled, x.epochs
}

// knowsSwitches reports whether the kill switches are in, and the present epoch.
func (x *index) knowsSwitches() (known bool, epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.switched, x.epochs
}

// fillSwitches takes the kill switches that were read in the epoch, but for those that
// were turned meanwhile.
func (x *index) fillSwitches(epoch int, read map[Kind]map[string]Switch) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.switched || x.epochs != epoch {
		return
	}
	for kind, byName := range read {
		for name, stored := range byName {
			if _, turned := x.switches[kind].byName[name]; !turned {
				x.switches[kind].byName[name] = stored
			}
		}
	}
	x.switched = true
	for _, at := range x.shelves {
		x.doomLive(at) // Some keys may have come in before.
	}
}

// counts reports whether every key there is counts in the tally, read or not.
func (x *index) counts() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.filled || x.counted
}

// list takes the ids of all entries, as a load has found them that began in the epoch,
// but for those of entries written meanwhile.
func (x *index) list(epoch int, ids []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.filled || x.epochs != epoch {
		return
	}
	for _, id := range ids {
		if !x.changed[id] && x.keys[id] == nil {
			x.unread.add(id)
		}
	}
}

// count says that of all that list has taken, what is unread still has hashes in its id.
func (x *index) count(epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.epochs == epoch {
		x.counted = true
	}
}

// loaded is what a load has read.
type loaded struct {
	// ids are those that were asked for.
	ids        []string
	entries    []Entry
	unreadable map[string]string
}

// add takes some of what a load read that began in the epoch, except for entries written
// meanwhile.
func (x *index) add(epoch int, read loaded) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.filled || x.epochs != epoch {
		return
	}
	maps.Copy(x.unreadable, read.unreadable)
	for _, entry := range read.entries {
		if !x.changed[entry.ID] {
			x.setLocked(entry)
		}
	}
	for _, id := range read.ids {
		x.unread.remove(id)
	}
}

// fill says that all was added that a load which began in the epoch has found.
func (x *index) fill(epoch int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.filled && x.epochs == epoch {
		x.filled = true
		x.unread = newUnread()
		clear(x.changed)
	}
}

// empty forgets everything, so that the next use loads the ledger anew.
func (x *index) empty() {
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.keys)
	clear(x.shelves)
	clear(x.changed)
	clear(x.unreadable)
	x.inOrder = sorted(byID)
	x.unread = newUnread()
	x.looks = nil
	for _, w := range x.switches {
		clear(w.byName)
	}
	x.filled, x.switched, x.counted = false, false, false
	x.epochs++
}

// reserve gives a new key its place in the count before it is written, if choose,
// shown the tally under the lock, finds a sub-account for it. Two mints can
// therefore not take the same last slot. The place is given back by remove, or
// taken by set. If the key's id is a stem still, it becomes whole.
func (x *index) reserve(entry *Entry, isStem bool, choose func(Tally) (subAccount string, err error)) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	subAccount, err := choose(Tally{x})
	if err != nil {
		return err
	}
	entry.SubAccount = subAccount
	if isStem {
		entry.ID = idOf(entry.ID, entry.Connection, subAccount, entry.Role)
	}
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
		x.unread.remove(id)
	}
}

func (x *index) setLocked(entry Entry) { x.put(x.keyOf(entry)) }

// keyOf is what is to be known of an entry's key.
func (x *index) keyOf(entry Entry) *Key {
	key := &Key{
		ID: entry.ID, Connection: shared(entry.Connection), SubAccount: shared(entry.SubAccount), Role: shared(entry.Role), Owner: shared(entry.Owner),
		Exchange: shared(entry.Exchange), Label: entry.Label,
		APIKey: entry.APIKey, ExchangeKeyID: entry.ExchangeKeyID, DisplayName: shared(entry.Requester.DisplayName),
		State: entry.State, Created: entry.Created, Expires: entry.Expires, WantedGone: wantedGone(entry),
		Attempts: entry.Attempts, LastError: entry.LastError,
		generations: entry.Generations, due: dueAt(entry),
	}
	if key.ExchangeKeyID == key.APIKey {
		key.ExchangeKeyID = key.APIKey // The same memory.
	}
	x.doom(key)
	return key
}

// shared is the text in memory that all keys share who have it.
func shared(text string) string { return unique.Make(text).Value() }

// put puts a key in the place of the one with its id.
func (x *index) put(key *Key) {
	at := x.shelves[key.Connection]
	if at == nil {
		at = newShelf()
	}
	x.removeLocked(key.ID)
	x.shelves[key.Connection] = at // It was removed if that left it empty.
	x.keys[key.ID] = key
	x.inOrder.ReplaceOrInsert(key)
	at.add(key)
}

func (x *index) removeLocked(id string) {
	key := x.keys[id]
	if key == nil {
		return
	}
	delete(x.keys, id)
	x.inOrder.Delete(key)
	if at := x.shelves[key.Connection]; at.remove(key) {
		delete(x.shelves, key.Connection)
	}
}

// get returns a key, nil if it is not in the index; sure then tells whether there is none.
func (x *index) get(id string) (key *Key, sure bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, damaged := x.unreadable[id]
	return x.keys[id], (x.filled || x.counted) && !damaged && !x.unread.ids.Has(id)
}

// of is what is known of a key by its entry alone. The switches must be known.
func (x *index) of(entry Entry) *Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.keyOf(entry)
}

// ofStem is the id that begins with the stem, of a key that is known, if only by its id;
// the stem itself if there is none. It reports false if it cannot say.
func (x *index) ofStem(stem string) (id string, sure bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := slices.Collect(maps.Keys(x.unreadable))
	found = append(found, x.unread.first(stem))
	x.inOrder.AscendGreaterOrEqual(&Key{ID: stem}, func(key *Key) bool {
		found = append(found, key.ID)
		return false
	})
	for _, id := range found {
		if of, _, _ := parseID(id); of == stem {
			return id, true
		}
	}
	return stem, x.filled || x.counted
}

// snapshot returns the keys by id as they are now. It is to be read only.
func (x *index) snapshot() *btree.BTreeG[*Key] {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.inOrder.Clone()
}

// matching returns the keys that satisfy the condition, by id.
func (x *index) matching(condition func(Key) bool) []Key {
	var found []Key
	x.snapshot().Ascend(func(key *Key) bool {
		if condition(*key) {
			found = append(found, *key)
		}
		return true
	})
	return found
}

// after returns the first keys whose ids come after the given one, at most limit; all, if
// that is 0.
func (x *index) after(id string, limit int) []Key {
	var found []Key
	x.snapshot().AscendGreaterOrEqual(&Key{ID: id}, func(key *Key) bool {
		if key.ID != id {
			found = append(found, *key)
		}
		return limit == 0 || len(found) < limit
	})
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
	for connection, at := range x.shelves {
		if kind == OfRole || connection == name {
			x.doomLive(at)
		}
	}
}

// doomLive dooms what is live and on the shelf and under a switch that was thrown.
func (x *index) doomLive(at *shelf) {
	var under []*Key
	at.ofState[Live].Ascend(func(key *Key) bool {
		if x.doomed(key.Connection, key.Role, key.generations) {
			under = append(under, key)
		}
		return true
	})
	for _, key := range under {
		doomed := *key
		x.doom(&doomed)
		x.put(&doomed)
	}
}

// dueBefore returns the ids of the keys due by then, by connection, as [shelf.dueBefore]
// has them, at most limit of each connection. A live key that is not doomed is due only if
// its lease is surely over, see [looks].
func (x *index) dueBefore(now time.Time, elapsed time.Duration, limit int) map[string][]string {
	x.mu.Lock()
	defer x.mu.Unlock()
	past := x.looks.past(now, elapsed)
	ids := map[string][]string{}
	for connection, at := range x.shelves {
		if due := at.dueBefore(now, past, limit); len(due) > 0 {
			ids[connection] = due
		}
	}
	return ids
}
