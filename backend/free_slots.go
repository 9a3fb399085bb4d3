package backend

import (
	"context"
	"maps"

	"github.com/hashicorp/vault/sdk/logical"
)

// place is a sub-account of a connection.
type place struct{ connection, subAccount string }

// freeSlots is how many more keys fit into a sub-account that holds some; capped is
// false if any number does.
func (l *link) freeSlots(held int) (free int, capped bool) {
	limit := l.keyCap(l.variant)
	return max(0, limit-held), limit > 0
}

// freeSlots is how many more keys fit into each place that has a cap, of those that
// hold keys and of those where the roles of these keys may mint. No exchange is
// asked. What cannot be read is left out, so that metrics outlive an outage of
// storage.
func (e *engine) freeSlots(ctx context.Context, s logical.Storage, now stock) map[place]int {
	held := maps.Clone(now.held)
	for name := range now.roles {
		r, err := e.roles.Get(ctx, s, name)
		if err != nil || r == nil {
			continue
		}
		for _, subAccount := range r.SubAccounts {
			held[place{r.Connection, subAccount}] += 0
		}
	}
	// A role may spell a sub-account otherwise than the ledger does.
	together := map[place]int{}
	links := map[string]*link{}
	for at, n := range held {
		l, err := e.connections.get(ctx, s, at.connection)
		if err != nil || l == nil {
			continue
		}
		links[at.connection] = l
		together[place{at.connection, l.variant.SubAccountName(at.subAccount)}] += n
	}
	free := map[place]int{}
	for at, n := range together {
		if slots, capped := links[at.connection].freeSlots(n); capped {
			free[at] = slots
		}
	}
	return free
}
