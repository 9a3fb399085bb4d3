package backend

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// slowLister takes a second for a list, which names when it began.
type slowLister struct {
	mu    sync.Mutex
	lists int
	fail  error
}

func (l *slowLister) list(ctx context.Context) ([]exchanges.KeyInfo, error) {
	began := time.Now()
	l.mu.Lock()
	l.lists++
	fail := l.fail
	l.fail = nil
	l.mu.Unlock()
	if err := exchanges.Sleep(ctx, time.Second); err != nil {
		return nil, err
	}
	return []exchanges.KeyInfo{{ID: began.Format(time.RFC3339Nano)}}, fail
}

// TestManyCallersShareALastList: each gets a list that began once it had asked, and none
// waits for more than the list under way and one more.
func TestManyCallersShareALastList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, lister := newSharedLists(), &slowLister{}
		var callers sync.WaitGroup
		for i := range 50 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				asked := time.Now()
				keys, err := shared.get(t.Context(), listLane{subAccount: "a"}, func() ([]exchanges.KeyInfo, error) { return lister.list(t.Context()) })
				if err != nil || len(keys) != 1 {
					t.Error(keys, err)
					return
				}
				if began, err := time.Parse(time.RFC3339Nano, keys[0].ID); err != nil || began.Before(asked) {
					t.Errorf("asked at %s, was given a list that began at %s", asked, keys[0].ID)
				}
				if took := time.Since(asked); took > 2*time.Second {
					t.Errorf("waited for %s", took)
				}
			})
		}
		callers.Wait()
		require.Equal(t, 2, lister.lists)
		require.Empty(t, shared.running)
		require.Empty(t, shared.next)
	})
}

// A list that fails, or whose caller goes away, fails nobody else.
func TestAFailedListIsNotShared(t *testing.T) {
	for name, end := range map[string]func(*slowLister, context.CancelFunc){
		"it fails":                       func(l *slowLister, _ context.CancelFunc) { l.mu.Lock(); l.fail = errors.New("no"); l.mu.Unlock() },
		"its caller goes before it runs": func(_ *slowLister, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared, lister := newSharedLists(), &slowLister{}
				get := func(ctx context.Context) error {
					_, err := shared.get(ctx, listLane{}, func() ([]exchanges.KeyInfo, error) { return lister.list(ctx) })
					return err
				}
				going, cancel := context.WithCancel(t.Context())
				defer cancel()
				var first, others sync.WaitGroup
				first.Go(func() {
					if err := get(t.Context()); err != nil {
						t.Error(err)
					}
				})
				synctest.Wait()
				var failure error
				first.Go(func() { failure = get(going) })
				synctest.Wait()
				for range 3 {
					others.Go(func() {
						if err := get(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				end(lister, cancel)
				first.Wait()
				others.Wait()
				require.Error(t, failure)
				require.Empty(t, shared.running)
				require.Empty(t, shared.next)
			})
		})
	}
}

// Who waits its turn at the rate limit apart from others asks apart from them.
func TestListsAreSharedWithinALane(t *testing.T) {
	ctx := t.Context()
	seen := map[listLane]bool{}
	for _, ctx := range []context.Context{ctx, exchanges.WithRole(ctx, "r"), exchanges.WithRevoking(ctx)} {
		for _, sub := range []string{"a", "b"} {
			seen[laneOf(ctx, sub)] = true
		}
	}
	require.Len(t, seen, 6, fmt.Sprint(seen))
}

// TestAListWaitsForDeletionsInLine: one list proves all deletions of a sub-account that
// wait for their turn, and it waits for no others, nor longer than its callers can.
func TestAListWaitsForDeletionsInLine(t *testing.T) {
	revoking := listLane{subAccount: "a", revoking: true}
	const call = 100 * time.Millisecond
	for name, test := range map[string]struct {
		// turns of deletions in sub-account a.
		turns []time.Duration
		lane  listLane
		// callers ask for the list at these times, and have so much time.
		callers map[time.Duration]time.Duration
		// lists is when they begin.
		lists []time.Duration
	}{
		"in line":                        {[]time.Duration{1e9, 2e9, 3e9}, revoking, map[time.Duration]time.Duration{5e8: 15e9, 15e8: 15e9}, []time.Duration{3e9 + call}},
		"one has its turn":               {[]time.Duration{0, 1e9}, revoking, map[time.Duration]time.Duration{1: 15e9}, []time.Duration{1e9 + call}},
		"all have theirs":                {[]time.Duration{0, 0}, revoking, map[time.Duration]time.Duration{1: 15e9}, []time.Duration{1}},
		"not forever":                    {[]time.Duration{100e9}, revoking, map[time.Duration]time.Duration{1e9: 90e9}, []time.Duration{1e9 + maxHold}},
		"half of the caller's time":      {[]time.Duration{4e9, 8e9}, revoking, map[time.Duration]time.Duration{1e9: 6e9}, []time.Duration{4e9}},
		"half of the least time":         {[]time.Duration{9e9}, revoking, map[time.Duration]time.Duration{1e9: 60e9, 2e9: 2e9}, []time.Duration{3e9}},
		"another sub-account":            {[]time.Duration{3e9}, listLane{subAccount: "b", revoking: true}, map[time.Duration]time.Duration{1e9: 15e9}, []time.Duration{1e9}},
		"a list that proves no deletion": {[]time.Duration{3e9}, listLane{subAccount: "a"}, map[time.Duration]time.Duration{1e9: 15e9}, []time.Duration{1e9}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared, began := newSharedLists(), time.Now()
				var lists []time.Duration
				var work sync.WaitGroup
				for _, turn := range test.turns {
					work.Go(func() {
						_ = shared.delete(t.Context(), "a", func(ctx context.Context) error {
							time.Sleep(turn)
							exchanges.TurnTaken(ctx)
							time.Sleep(call)
							return nil
						})
					})
				}
				for at, left := range test.callers {
					work.Go(func() {
						time.Sleep(at)
						ctx, cancel := context.WithTimeout(t.Context(), left)
						defer cancel()
						_, err := shared.get(ctx, test.lane, func() ([]exchanges.KeyInfo, error) {
							lists = append(lists, time.Since(began))
							return nil, nil
						})
						if err != nil {
							t.Error(err)
						}
					})
				}
				work.Wait()
				require.Equal(t, test.lists, lists)
				require.Empty(t, shared.inLine)
				require.Empty(t, shared.running)
				require.Empty(t, shared.next)
			})
		})
	}
}

// Whoever stops waits for no deletion.
func TestAListThatIsGivenUpWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, began := newSharedLists(), time.Now()
		var work sync.WaitGroup
		work.Go(func() {
			_ = shared.delete(t.Context(), "a", func(context.Context) error { time.Sleep(time.Minute); return nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := shared.get(ctx, listLane{subAccount: "a", revoking: true}, func() ([]exchanges.KeyInfo, error) { return nil, ctx.Err() })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, time.Second, time.Since(began))
		work.Wait()
	})
}
