package ledger

import (
	"cmp"
	"time"

	"github.com/google/btree"
)

// shelf has the keys of one connection in every order in which they are asked for, and
// counts them.
type shelf struct {
	// due has all of them by when they must be looked at, wanted by since when they
	// should be gone.
	due, wanted *btree.BTreeG[*Key]
	// ends has those that are live by when their leases end.
	ends *btree.BTreeG[*Key]
	// ofState has all of them by state, the oldest first.
	ofState                map[State]*btree.BTreeG[*Key]
	inSubAccounts, ofRoles map[string]int
}

// known is the state by which a key is counted. One in a state that this version does not
// know is on its way out, as far as it can tell.
func known(state State) State {
	if state == Pending || state == Live {
		return state
	}
	return Revoking
}

func newShelf() *shelf {
	return &shelf{
		due:    sorted(byTime(func(key *Key) time.Time { return key.due })),
		wanted: sorted(byTime(func(key *Key) time.Time { return key.WantedGone })),
		ends:   sorted(byTime(func(key *Key) time.Time { return key.Expires })),
		ofState: map[State]*btree.BTreeG[*Key]{
			Pending: sorted(byAge), Live: sorted(byAge), Revoking: sorted(byAge),
		},
		inSubAccounts: map[string]int{}, ofRoles: map[string]int{},
	}
}

// sorted returns an empty set of keys in that order, of which a copy costs nothing.
func sorted(less func(a, b *Key) bool) *btree.BTreeG[*Key] { return btree.NewG(32, less) }

func byID(a, b *Key) bool { return a.ID < b.ID }

// byTime orders keys by a time, and those with the same one by id.
func byTime(of func(*Key) time.Time) func(a, b *Key) bool {
	return func(a, b *Key) bool { return cmp.Or(of(a).Compare(of(b)), cmp.Compare(a.ID, b.ID)) < 0 }
}

func byAge(a, b *Key) bool { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) < 0 }

// add puts a key on the shelf.
func (s *shelf) add(key *Key) {
	s.due.ReplaceOrInsert(key)
	s.wanted.ReplaceOrInsert(key)
	s.ofState[known(key.State)].ReplaceOrInsert(key)
	if key.State == Live && !key.Expires.IsZero() {
		s.ends.ReplaceOrInsert(key)
	}
	s.count(key, 1)
}

// remove takes a key from the shelf, and reports whether that leaves it empty.
func (s *shelf) remove(key *Key) (empty bool) {
	s.due.Delete(key)
	s.wanted.Delete(key)
	s.ends.Delete(key)
	s.ofState[known(key.State)].Delete(key)
	s.count(key, -1)
	return s.due.Len() == 0
}

func (s *shelf) count(key *Key, n int) {
	add := func(counts map[string]int, name string) {
		if counts[name] += n; counts[name] == 0 {
			delete(counts, name)
		}
	}
	add(s.inSubAccounts, key.SubAccount)
	add(s.ofRoles, key.Role)
}
