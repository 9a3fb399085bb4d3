package backend

import (
	"context"
	"slices"
	"sync"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// sharedLists lets callers share a list of keys who ask for it at the same time, so that
// many revocations cost one list and not one each. Each caller gets a list that began
// after it asked: what it shows proves as much as one of the caller's own. The list that
// is to prove a deletion waits a while for the deletions in the same sub-account that
// wait for their turn at the rate limit, so that it proves them too.
type sharedLists struct {
	mu sync.Mutex
	// running are the lists that have begun last, and next those that will begin when
	// they are done, which callers may still join.
	running, next map[listLane]*sharedList
	// inLine has the sub-accounts of the deletions that wait for their turn, by what is
	// closed once they are over.
	inLine map[chan struct{}]string
}

// maxHold bounds how long a list waits for deletions. It never takes more than half of the
// time that any of its callers has left.
const maxHold = 5 * time.Second

// listLane is a list of the keys in a sub-account, for the callers who wait their turn at
// the rate limit together.
type listLane struct {
	subAccount, role string
	revoking         bool
}

func laneOf(ctx context.Context, subAccount string) listLane {
	return listLane{subAccount, exchanges.Role(ctx), exchanges.Revoking(ctx)}
}

// sharedList is one list. What it brought stands once it is done.
type sharedList struct {
	// urgent is closed once one of its callers can wait for no more deletions.
	urgent, done chan struct{}
	hurry        func()
	keys         []exchanges.KeyInfo
	err          error
}

func newSharedList() *sharedList {
	urgent := make(chan struct{})
	return &sharedList{urgent: urgent, done: make(chan struct{}), hurry: sync.OnceFunc(func() { close(urgent) })}
}

func newSharedLists() *sharedLists {
	return &sharedLists{running: map[listLane]*sharedList{}, next: map[listLane]*sharedList{}, inLine: map[chan struct{}]string{}}
}

// delete makes a deletion, for which lists wait until it has had its turn and is over.
func (s *sharedLists) delete(ctx context.Context, subAccount string, work func(context.Context) error) error {
	over := make(chan struct{})
	defer close(over)
	s.mu.Lock()
	s.inLine[over] = subAccount
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.inLine, over)
	}
	defer leave()
	return work(exchanges.OnTurn(ctx, leave))
}

// get returns a list that began after it was called. A failure is not shared, since it
// may be that of one caller who has gone or has less patience.
func (s *sharedLists) get(ctx context.Context, of listLane, ask func() ([]exchanges.KeyInfo, error)) ([]exchanges.KeyInfo, error) {
	shared, after, mine := s.join(of)
	hold := maxHold
	if deadline, bounded := ctx.Deadline(); bounded {
		hold = min(hold, time.Until(deadline)/2)
	}
	defer time.AfterFunc(hold, shared.hurry).Stop()
	if !mine {
		if err := awaitList(ctx, shared); err != nil {
			return nil, err
		}
		if shared.err != nil {
			return ask()
		}
		return slices.Clone(shared.keys), nil
	}
	defer s.end(of, shared)
	if after.list != nil {
		if shared.err = awaitList(ctx, after.list); shared.err != nil {
			return nil, shared.err
		}
	}
	after.awaitDeletions(ctx, shared.urgent)
	s.begin(of, shared)
	shared.keys, shared.err = ask()
	return slices.Clone(shared.keys), shared.err
}

// before is what a list waits for: the one before, nil for none, and deletions.
type before struct {
	list      *sharedList
	deletions []chan struct{}
}

// join returns the list that is to begin next. If it is the caller's to make, it begins
// after what is before it.
func (s *sharedLists) join(of listLane) (shared *sharedList, after before, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shared = s.next[of]; shared != nil {
		return shared, before{}, false
	}
	shared, after.list = newSharedList(), s.running[of]
	s.next[of] = shared
	for over, subAccount := range s.inLine {
		if of.revoking && subAccount == of.subAccount {
			after.deletions = append(after.deletions, over)
		}
	}
	return shared, after, true
}

// awaitDeletions waits until the deletions are over, or the list has become urgent.
func (b before) awaitDeletions(ctx context.Context, urgent <-chan struct{}) {
	for _, over := range b.deletions {
		select {
		case <-over:
		case <-urgent:
			return
		case <-ctx.Done():
			return
		}
	}
}

// begin begins a list, which nobody can join any more.
func (s *sharedLists) begin(of listLane, shared *sharedList) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, of)
	s.running[of] = shared
}

// end tells those who wait for a list that it is done.
func (s *sharedLists) end(of listLane, shared *sharedList) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, lists := range []map[listLane]*sharedList{s.running, s.next} {
		if lists[of] == shared {
			delete(lists, of)
		}
	}
	close(shared.done)
}

func awaitList(ctx context.Context, shared *sharedList) error {
	select {
	case <-shared.done:
		return nil
	case <-ctx.Done():
		return &exchanges.Error{
			Kind: exchanges.ErrUnavailable, Operation: exchanges.OpListKeys, Err: ctx.Err(),
			Message: "the list of keys, which others asked for too, took longer than there is time",
		}
	}
}
