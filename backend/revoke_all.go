package backend

import (
	"context"

	"github.com/hashicorp/vault/sdk/logical"
)

// condemn marks every key that satisfies the condition for deletion, now, and
// starts deleting. Nothing is asked of the exchange before all are marked, so
// that a crash half-way leaves no key behind.
func (e *engine) condemn(ctx context.Context, s logical.Storage, which func(*indexed) bool) error {
	live := func(key *indexed) bool { return key.state == stateLive && which(key) }
	for _, id := range e.ledger.index.ids(live) {
		if err := e.condemnOne(ctx, s, id); err != nil {
			return err
		}
	}
	e.drainer.start(s)
	return nil
}

func (e *engine) condemnOne(ctx context.Context, s logical.Storage, id string) error {
	release, err := e.claims.take(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	entry, err := e.ledger.get(ctx, s, id)
	if err != nil || entry == nil || entry.State != stateLive {
		return err
	}
	return e.mark(ctx, s, entry)
}

// progress is how far the deletion of many keys has come.
type progress struct{ live, pending, revoking int }

func (e *engine) progress(which func(*indexed) bool) progress {
	var p progress
	e.ledger.index.each(func(key *indexed) {
		if !which(key) {
			return
		}
		switch key.state {
		case stateLive:
			p.live++
		case statePending:
			p.pending++
		case stateRevoking:
			p.revoking++
		}
	})
	return p
}
