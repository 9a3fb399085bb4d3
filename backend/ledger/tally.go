package ledger

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
)

// Tally counts the keys that there are. It answers at once, however many there are.
type Tally struct{ index *index }

// Tell shows the tally under a lock, so that its answers fit together. The function must
// be quick and must not use the ledger or keep the tally.
func (l *Ledger) Tell(ctx context.Context, s logical.Storage, tell func(Tally)) error {
	if err := l.Load(ctx, s); err != nil {
		return err
	}
	l.index.mu.Lock()
	defer l.index.mu.Unlock()
	tell(Tally{l.index})
	return nil
}

// Connections are the names of those that have keys, in order.
func (t Tally) Connections() []string { return slices.Sorted(maps.Keys(t.index.shelves)) }

// shelf is that of a connection, an empty one if it has no keys.
func (t Tally) shelf(connection string) *shelf {
	if at := t.index.shelves[connection]; at != nil {
		return at
	}
	return newShelf()
}

// OfConnection counts a connection's keys.
func (t Tally) OfConnection(name string) int {
	if at := t.index.shelves[name]; at != nil {
		return at.wanted.Len()
	}
	return 0
}

// InSubAccount counts a connection's keys in a sub-account, those too that are not loaded
// yet.
func (t Tally) InSubAccount(connection, name string) int {
	n := t.index.unread.inSubAccount(connection, name)
	if at := t.index.shelves[connection]; at != nil {
		n += at.inSubAccount(name)
	}
	return n
}

// OfRole counts a connection's keys of a role, those too that are not loaded yet.
func (t Tally) OfRole(connection, name string) int {
	n := t.index.unread.of(connection, name)
	if at := t.index.shelves[connection]; at != nil {
		n += at.ofRoles[name]
	}
	return n
}

// SubAccounts counts a connection's keys by sub-account.
func (t Tally) SubAccounts(connection string) map[string]int {
	counts := map[string]int{}
	for name, keys := range t.shelf(connection).due {
		counts[name] = keys.Len()
	}
	return counts
}

// Roles are the names of the roles that have keys of a connection.
func (t Tally) Roles(connection string) []string {
	return slices.Sorted(maps.Keys(t.shelf(connection).ofRoles))
}

// NextEnd is when the first lease of a connection's live keys ends; zero if there is none.
func (t Tally) NextEnd(connection string) time.Time {
	if first, ok := t.shelf(connection).ends.Min(); ok {
		return first.Expires
	}
	return time.Time{}
}

// OfState counts a connection's keys of a state, and says when the oldest of them was
// asked for.
func (t Tally) OfState(connection string, state State) (keys int, oldest time.Time) {
	of := t.shelf(connection).ofState[state]
	if first, ok := of.Min(); ok {
		return of.Len(), first.Created
	}
	return 0, time.Time{}
}

// Overdue counts a connection's keys that should have been gone by then, and says since
// when the first of them should; zero if there is none.
func (t Tally) Overdue(connection string, now time.Time) (keys int, since time.Time) {
	t.shelf(connection).wanted.Ascend(func(key *Key) bool {
		if !key.WantedGone.Before(now) {
			return false
		}
		if keys++; keys == 1 {
			since = key.WantedGone
		}
		return true
	})
	return keys, since
}
