package ledger

import "github.com/google/btree"

// unread are the ids of entries that a load has found and not read yet, and how many of
// them there are of each sub-account and role, by their hashes.
type unread struct {
	ids             *btree.BTreeG[string]
	ofPlace, ofRole map[string]int
}

func newUnread() *unread {
	return &unread{ids: btree.NewOrderedG[string](32), ofPlace: map[string]int{}, ofRole: map[string]int{}}
}

func (u *unread) add(id string) {
	if _, had := u.ids.ReplaceOrInsert(id); !had {
		u.count(id, 1)
	}
}

// remove takes out an entry that was read, or written since.
func (u *unread) remove(id string) {
	if _, had := u.ids.Delete(id); had {
		u.count(id, -1)
	}
}

func (u *unread) count(id string, n int) {
	if _, place, role := parseID(id); place != "" {
		u.ofPlace[place] += n
		u.ofRole[role] += n
	}
}

// inSubAccount counts those of a sub-account.
func (u *unread) inSubAccount(connection, name string) int {
	if u.ids.Len() == 0 {
		return 0
	}
	return u.ofPlace[placeHash(connection, name)]
}

// of counts those of a role.
func (u *unread) of(connection, role string) int {
	if u.ids.Len() == 0 {
		return 0
	}
	return u.ofRole[roleHash(connection, role)]
}

// first is the first id that is not before the given one; empty if there is none.
func (u *unread) first(from string) (id string) {
	u.ids.AscendGreaterOrEqual(from, func(found string) bool {
		id = found
		return false
	})
	return id
}
