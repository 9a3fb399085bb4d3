package backend

import (
	"context"
	"slices"
	"sync"

	"vault-plugin-secrets-exchange/exchanges"
)

// sharedLists lets callers share a list of keys who ask for it at the same time, so that
// many revocations cost one list and not one each. Each caller gets a list that began
// after it asked: what it shows proves as much as one of the caller's own.
type sharedLists struct {
	mu sync.Mutex
	// running are the lists that have begun last, and next those that will begin when
	// they are done, which callers may still join.
	running, next map[listLane]*sharedList
}

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
	done chan struct{}
	keys []exchanges.KeyInfo
	err  error
}

func newSharedLists() *sharedLists {
	return &sharedLists{running: map[listLane]*sharedList{}, next: map[listLane]*sharedList{}}
}

// get returns a list that began after it was called. A failure is not shared, since it
// may be that of one caller who has gone or has less patience.
func (s *sharedLists) get(ctx context.Context, of listLane, ask func() ([]exchanges.KeyInfo, error)) ([]exchanges.KeyInfo, error) {
	shared, before, mine := s.join(of)
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
	if before != nil {
		if shared.err = awaitList(ctx, before); shared.err != nil {
			return nil, shared.err
		}
		s.begin(of, shared)
	}
	shared.keys, shared.err = ask()
	return slices.Clone(shared.keys), shared.err
}

// join returns the list that is to begin next. If it is the caller's to make, it begins
// after the one before, nil for at once.
func (s *sharedLists) join(of listLane) (shared, before *sharedList, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if shared = s.next[of]; shared != nil {
		return shared, nil, false
	}
	shared, before = &sharedList{done: make(chan struct{})}, s.running[of]
	if before == nil {
		s.running[of] = shared
	} else {
		s.next[of] = shared
	}
	return shared, before, true
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
