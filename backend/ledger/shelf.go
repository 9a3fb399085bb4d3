package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/btree"
)

// shelf has the keys of one connection in every order in which they are asked for, and
// counts them.
type shelf struct {
	// due has those of each sub-account by when they must be looked at.
	due map[string]*btree.BTreeG[*Key]
	// wanted has all of them by since when they should be gone.
	wanted *btree.BTreeG[*Key]
	// ends has those that are live by when their leases end.
	ends *btree.BTreeG[*Key]
	// ofState has all of them by state, the oldest first.
	ofState map[State]*btree.BTreeG[*Key]
	ofRoles map[string]int
}

// counted is the state by which a key is counted. One in a state that this version does not
// know is on its way out, as far as it can tell.
func counted(state State) State {
	if state == Pending || state == Live {
		return state
	}
	return Revoking
}

func newShelf() *shelf {
	return &shelf{
		due:    map[string]*btree.BTreeG[*Key]{},
		wanted: sorted(byTime(func(key *Key) time.Time { return key.WantedGone })),
		ends:   sorted(byTime(func(key *Key) time.Time { return key.Expires })),
		ofState: map[State]*btree.BTreeG[*Key]{
			Pending: sorted(byAge), Live: sorted(byAge), Revoking: sorted(byAge),
		},
		ofRoles: map[string]int{},
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
	if s.due[key.SubAccount] == nil {
		s.due[key.SubAccount] = sorted(byTime(func(key *Key) time.Time { return key.due }))
	}
	s.due[key.SubAccount].ReplaceOrInsert(key)
	s.wanted.ReplaceOrInsert(key)
	s.ofState[counted(key.State)].ReplaceOrInsert(key)
	if key.State == Live && !key.Expires.IsZero() {
		s.ends.ReplaceOrInsert(key)
	}
	s.ofRoles[key.Role]++
}

// remove takes a key from the shelf, and reports whether that leaves it empty.
func (s *shelf) remove(key *Key) (empty bool) {
	if s.due[key.SubAccount].Delete(key); s.inSubAccount(key.SubAccount) == 0 {
		delete(s.due, key.SubAccount)
	}
	s.wanted.Delete(key)
	s.ends.Delete(key)
	s.ofState[counted(key.State)].Delete(key)
	if s.ofRoles[key.Role]--; s.ofRoles[key.Role] == 0 {
		delete(s.ofRoles, key.Role)
	}
	return s.wanted.Len() == 0
}

// inSubAccount counts the keys in a sub-account.
func (s *shelf) inSubAccount(name string) int {
	if keys := s.due[name]; keys != nil {
		return keys.Len()
	}
	return 0
}

// dueBefore returns the ids of the keys that are due by then, at most limit: of the one
// that has been due the longest and all that are due in its sub-account, then of the
// longest due of the others with those of its, and so on. A live key is due only if that is
// surely past.
func (s *shelf) dueBefore(now, past time.Time, limit int) []string {
	in := func(keys *btree.BTreeG[*Key], do func(*Key) bool) {
		keys.Ascend(func(key *Key) bool {
			return !key.due.After(now) && (key.State == Live && key.due.After(past) || do(key))
		})
	}
	var firsts []*Key
	for _, keys := range s.due {
		in(keys, func(key *Key) bool { firsts = append(firsts, key); return false })
	}
	slices.SortFunc(firsts, func(a, b *Key) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.ID, b.ID)) })
	var due []string
	for _, first := range firsts {
		if len(due) == limit {
			break
		}
		in(s.due[first.SubAccount], func(key *Key) bool { due = append(due, key.ID); return len(due) < limit })
	}
	return due
}
