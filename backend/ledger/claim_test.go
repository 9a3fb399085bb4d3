package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
)

// failingStorage fails when it is asked to, before or after it has done the work.
type failingStorage struct {
	logical.InmemStorage
	// fail, if set, is asked before and after each write, and before each read.
	fail func() bool
}

var errStorage = errors.New("storage fails")

func (s *failingStorage) failing() error {
	if s.fail != nil && s.fail() {
		return errStorage
	}
	return nil
}

func (s *failingStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if err := s.failing(); err != nil {
		return nil, err
	}
	return s.InmemStorage.Get(ctx, key)
}

func (s *failingStorage) List(ctx context.Context, prefix string) ([]string, error) {
	if err := s.failing(); err != nil {
		return nil, err
	}
	return s.InmemStorage.List(ctx, prefix)
}

func (s *failingStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if err := s.failing(); err != nil {
		return err
	}
	return errors.Join(s.InmemStorage.Put(ctx, entry), s.failing())
}

func (s *failingStorage) Delete(ctx context.Context, key string) error {
	if err := s.failing(); err != nil {
		return err
	}
	return errors.Join(s.InmemStorage.Delete(ctx, key), s.failing())
}

// transitions are all that a claim can do, as a test calls them.
var transitions = map[string]func(context.Context, *Claim) error{
	"Reserve": func(ctx context.Context, c *Claim) error {
		return c.Reserve(ctx, Entry{Connection: "c", Created: start},
			func(Tally) (string, error) { return "sub", nil }, func(e *Entry) error { e.Label = "label"; return nil })
	},
	"Retime": func(ctx context.Context, c *Claim) error {
		return c.Retime(ctx, start.Add(time.Hour), start.Add(time.Hour))
	},
	"Made":                 func(ctx context.Context, c *Claim) error { return c.Made(ctx, exchanges.KeyRef{ID: "id"}) },
	"Doubt":                func(ctx context.Context, c *Claim) error { return c.Doubt(ctx, errors.New("no answer"), "") },
	"Doubt of a known key": func(ctx context.Context, c *Claim) error { return c.Doubt(ctx, errors.New("no answer"), "id") },
	"Confirm":              func(ctx context.Context, c *Claim) error { return c.Confirm(ctx, start.Add(time.Hour)) },
	"Renew":                func(ctx context.Context, c *Claim) error { return c.Renew(ctx, start.Add(2*time.Hour)) },
	"Retire":               func(ctx context.Context, c *Claim) error { return c.Retire(ctx, start.Add(3*time.Hour)) },
	"Condemn":              func(ctx context.Context, c *Claim) error { return c.Condemn(ctx, "cause") },
	"Condemn beside":       condemnBeside,
	"Postpone":             func(ctx context.Context, c *Claim) error { return c.Postpone(ctx, errors.New("not yet")) },
	"Forget":               func(ctx context.Context, c *Claim) error { return c.Forget(ctx) },
	"Adopt": func(ctx context.Context, c *Claim) error {
		return c.Adopt(ctx, Entry{ExchangeKeyID: "id", Created: start})
	},
	"Import": func(ctx context.Context, c *Claim) error {
		return c.Import(ctx, Entry{ExchangeKeyID: "id", Created: start, Expires: start.Add(time.Hour)})
	},
}

// condemnBeside waits for the write, so that its outcome is known.
func condemnBeside(ctx context.Context, c *Claim) error {
	var failure error
	err := c.CondemnBeside(ctx, "cause", func(err error) { failure = err })
	c.awaitWrite()
	return errors.Join(err, failure)
}

// none stands for a key that has no entry.
const none = State("")

// machine is the table of the doc comment: from which states a transition may come,
// and where it leads.
var machine = map[string]map[State]State{
	"Reserve":              {none: Pending},
	"Retime":               {Pending: Pending},
	"Made":                 {Pending: Pending},
	"Doubt":                {Pending: Pending},
	"Doubt of a known key": {Pending: Revoking},
	"Confirm":              {Pending: Live},
	"Renew":                {Live: Live},
	"Retire":               {Live: Live},
	"Condemn":              {Pending: Pending, Live: Revoking, Revoking: Revoking},
	"Condemn beside":       {Pending: Pending, Live: Revoking, Revoking: Revoking},
	"Postpone":             {Pending: Pending, Revoking: Revoking},
	"Forget":               {Pending: gone, Revoking: gone, gone: gone},
	"Adopt":                {none: Revoking},
	"Import":               {none: Live},
}

// TestEveryTransitionFromEveryState: what the table allows leads where it says, and
// what it does not allow is refused and changes nothing.
func TestEveryTransitionFromEveryState(t *testing.T) {
	for name, transition := range transitions {
		for _, from := range []State{none, Pending, Live, Revoking, gone} {
			t.Run(fmt.Sprintf("%s from %q", name, from), func(t *testing.T) {
				l, storage := New(func() time.Time { return start }, noTime), &logical.InmemStorage{}
				claim := claimIn(t, l, storage, from)
				defer claim.Release()
				before := claim.Entry()

				err := transition(t.Context(), claim)
				stored, found := l.Find(t.Context(), storage, "key")
				require.NoError(t, found)
				to, allowed := machine[name][from]
				if !allowed {
					require.ErrorContains(t, err, "key key cannot be")
					require.Equal(t, before, claim.Entry())
					to = from
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, to, claim.Entry().State)
				require.Equal(t, to != none && to != gone, claim.Exists())
				if claim.Exists() {
					require.NotNil(t, stored)
					require.Equal(t, claim.Entry(), *stored)
				} else {
					require.Nil(t, stored)
				}
			})
		}
	}
}

// TestWhatATransitionWrites: the times and names that each leaves in the entry.
func TestWhatATransitionWrites(t *testing.T) {
	now := start
	l, storage := New(func() time.Time { return now }, noTime), &logical.InmemStorage{}
	claim, err := l.Claim(t.Context(), storage, "key")
	require.NoError(t, err)
	defer claim.Release()
	want := Entry{ID: "key", State: Pending, Connection: "c", SubAccount: "sub", Label: "label", Created: start}
	step := func(name string, change func()) {
		t.Helper()
		require.NoError(t, transitions[name](t.Context(), claim))
		change()
		require.Equal(t, want, claim.Entry(), name)
	}
	step("Reserve", func() {})
	step("Made", func() { want.ExchangeKeyID = "id" })
	claim.Identify(exchanges.Key{ID: "id", APIKey: "public", Token: "token"})
	claim.Added(exchanges.Addition{Permissions: []string{"extra"}, Risk: exchanges.RiskCritical})
	step("Confirm", func() {
		want.APIKey, want.Token = "public", "token"
		want.Added, want.Risk = []string{"extra"}, exchanges.RiskCritical
		want.State, want.Expires = Live, start.Add(time.Hour)
	})
	step("Renew", func() { want.Expires = start.Add(2 * time.Hour) })
	step("Retire", func() { want.RetireAt = start.Add(3 * time.Hour) })
	require.False(t, claim.Due())
	now = start.Add(time.Minute)
	step("Condemn", func() { want.State, want.Cause, want.Revoking, want.NextTry = Revoking, "cause", now, now })
	require.True(t, claim.Due())
	now = start.Add(2 * time.Minute)
	step("Condemn", func() {})
	step("Postpone", func() { want.Attempts, want.LastError, want.NextTry = 1, "not yet", now.Add(firstRetry) })
	require.False(t, claim.Due())
	step("Postpone", func() { want.Attempts, want.NextTry = 2, now.Add(2*firstRetry) })
	step("Forget", func() { want.State = gone })

	adopted, err := l.Claim(t.Context(), storage, "stray")
	require.NoError(t, err)
	defer adopted.Release()
	require.NoError(t, transitions["Adopt"](t.Context(), adopted))
	require.Equal(t, Entry{ID: "stray", State: Revoking, ExchangeKeyID: "id", Created: start, Revoking: now, NextTry: now}, adopted.Entry())
	require.True(t, adopted.Due())
}

// A key that is not shown is remembered as such since the first time, and its age
// counts from then.
func TestUnseenSinceTheFirstTime(t *testing.T) {
	now := start
	l := New(func() time.Time { return now }, noTime)
	claim := claimIn(t, l, &logical.InmemStorage{}, Revoking)
	defer claim.Release()
	unseen := &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Err: exchanges.ErrUnseen}
	ref := func(failure error) exchanges.KeyRef {
		now = now.Add(time.Minute)
		require.NoError(t, claim.Postpone(t.Context(), failure))
		return claim.Entry().Ref(now.Add(time.Second))
	}
	was := ref(unseen)
	require.True(t, was.Unseen)
	require.Equal(t, time.Second, was.Age)
	was = ref(unseen)
	require.True(t, was.Unseen)
	require.Equal(t, time.Minute+time.Second, was.Age)
	was = ref(errors.New("listed"))
	require.False(t, was.Unseen)
	require.Equal(t, 3*time.Minute+time.Second, was.Age, "counted from the creation")
}

// claimIn returns a claim on a key in the state; a pending one has no id yet.
func claimIn(t *testing.T, l *Ledger, s logical.Storage, state State) *Claim {
	t.Helper()
	claim, err := l.Claim(t.Context(), s, "key")
	require.NoError(t, err)
	steps := map[State][]string{
		Pending: {"Reserve"}, Live: {"Reserve", "Made", "Confirm"}, Revoking: {"Adopt"}, gone: {"Adopt", "Forget"},
	}
	for _, step := range steps[state] {
		require.NoError(t, transitions[step](t.Context(), claim))
	}
	return claim
}

func TestAReleasedClaimWritesNothing(t *testing.T) {
	l, storage := New(time.Now, noTime), &logical.InmemStorage{}
	claim := claimIn(t, l, storage, Pending)
	claim.Release()
	require.ErrorContains(t, claim.Forget(t.Context()), "released")
}

func TestASlotIsGivenBack(t *testing.T) {
	failure := errors.New("no")
	for name, reserve := range map[string]func(context.Context, *Claim) error{
		"no place": func(ctx context.Context, c *Claim) error {
			return c.Reserve(ctx, Entry{}, func(Tally) (string, error) { return "", failure }, nil)
		},
		"not completed": func(ctx context.Context, c *Claim) error {
			return c.Reserve(ctx, Entry{}, func(Tally) (string, error) { return "sub", nil }, func(*Entry) error { return failure })
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, storage := New(time.Now, noTime), &logical.InmemStorage{}
			claim, err := l.Claim(t.Context(), storage, "key")
			require.NoError(t, err)
			require.ErrorIs(t, reserve(t.Context(), claim), failure)
			require.False(t, claim.Exists())
			claim.Release()
			_, err = l.Choose(t.Context(), storage, func(tally Tally) (string, error) {
				require.Zero(t, tally.InSubAccount("", "sub"))
				return "", nil
			})
			require.NoError(t, err)
		})
	}
}

// TestWhatCouldNotBeWrittenIsWrittenNext: a transition whose write fails is in force
// in the claim, and reaches storage with the next.
func TestWhatCouldNotBeWrittenIsWrittenNext(t *testing.T) {
	down := false
	l, storage := New(func() time.Time { return start }, noTime), &failingStorage{fail: func() bool { return down }}
	claim := claimIn(t, l, storage, Live)
	defer claim.Release()

	down = true
	require.ErrorIs(t, claim.Condemn(t.Context(), "first"), errStorage)
	require.Equal(t, Revoking, claim.Entry().State)
	down = false
	stored, err := l.Find(t.Context(), storage, "key")
	require.NoError(t, err)
	require.Equal(t, Live, stored.State)
	require.NoError(t, claim.Condemn(t.Context(), "second"), "it is written now, though the claim has it already")
	stored, err = l.Find(t.Context(), storage, "key")
	require.NoError(t, err)
	require.Equal(t, Revoking, stored.State)
	require.Equal(t, "first", stored.Cause, "the first cause stays")

	down = true
	require.ErrorIs(t, claim.Forget(t.Context()), errStorage)
	down = false
	require.ErrorContains(t, claim.Postpone(t.Context(), errors.New("late")), "gone", "a key that is gone does not come back")
	require.NoError(t, claim.Forget(t.Context()))
	stored, err = l.Find(t.Context(), storage, "key")
	require.NoError(t, err)
	require.Nil(t, stored)
}

// While a write goes on beside its holder, a claim knows what it will be, and nothing
// else is written and nobody else gets the key.
func TestAWriteBesideTheHolderIsWaitedFor(t *testing.T) {
	for name, next := range map[string]func(*testing.T, *Ledger, logical.Storage, *Claim){
		"by the next transition": func(t *testing.T, _ *Ledger, _ logical.Storage, claim *Claim) {
			if err := claim.Postpone(t.Context(), errors.New("not yet")); err != nil {
				t.Error(err)
			}
			claim.Release()
		},
		"by the release": func(_ *testing.T, _ *Ledger, _ logical.Storage, claim *Claim) { claim.Release() },
		"by who comes next": func(t *testing.T, l *Ledger, storage logical.Storage, claim *Claim) {
			go claim.Release()
			other, err := l.Claim(t.Context(), storage, "key")
			if err != nil || other.Entry().State != Revoking {
				t.Error(other, err)
				return
			}
			other.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, storage := New(time.Now, noTime), &slowStorage{}
				claim := claimIn(t, l, storage, Live)
				storage.slow = time.Second
				began := time.Now()
				if err := claim.CondemnBeside(t.Context(), "cause", func(err error) { t.Error(err) }); err != nil {
					t.Fatal(err)
				}
				require.Zero(t, time.Since(began))
				require.Equal(t, Revoking, claim.Entry().State)
				next(t, l, storage, claim)
				require.GreaterOrEqual(t, time.Since(began), time.Second)
				stored, err := New(time.Now, noTime).Find(t.Context(), storage, "key")
				require.NoError(t, err)
				require.Equal(t, Revoking, stored.State)
				require.Equal(t, "cause", stored.Cause)
				require.Zero(t, l.Held())
			})
		})
	}
}

// slowStorage takes a while for a write.
type slowStorage struct {
	logical.InmemStorage
	slow time.Duration
}

func (s *slowStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	time.Sleep(s.slow)
	return s.InmemStorage.Put(ctx, entry)
}

// TestTheLedgerAgainstAFailingStorage drives claims on a few keys at random, with a
// storage that fails before or after it has done its work, a ledger that is loaded
// anew at any time, and a clock that moves. Whatever happens, the claim follows the
// table, nothing is in storage that the table does not lead to, and once storage
// works again the index is what storage holds.
func TestTheLedgerAgainstAFailingStorage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		now := start
		var failures atomic.Int64 // The ledger reads several entries at a time.
		storage := &failingStorage{fail: func() bool { return failures.Add(-1) == 0 }}
		l := New(func() time.Time { return now }, noTime)
		held := map[string]*Claim{}
		ids := []string{"a", "b", "c"}
		names := slices.Sorted(func(yield func(string) bool) {
			for name := range transitions {
				if !yield(name) {
					return
				}
			}
		})
		// reached are the states that an entry may have in storage: the last one
		// written for sure, and those whose write was reported as failed.
		reached := map[string]map[State]bool{}
		for _, id := range ids {
			reached[id] = map[State]bool{none: true}
		}
		settled := func(id string, state State) {
			if state == gone {
				state = none
			}
			reached[id] = map[State]bool{state: true}
		}

		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				if held[id] != nil {
					if _, err := l.TryClaim(ctx, storage, id); !errors.Is(err, ErrBusy) {
						t.Fatalf("%s was claimed twice", id)
					}
					return
				}
				claim, err := l.TryClaim(ctx, storage, id)
				if err != nil {
					return
				}
				held[id] = claim
				state := claim.Entry().State
				if !reached[id][state] {
					t.Fatalf("%s was read as %q, want one of %v", id, state, reached[id])
				}
			},
			"release": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				if claim := held[id]; claim != nil {
					claim.Release()
					delete(held, id)
				}
			},
			"transition": func(t *rapid.T) {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				claim := held[id]
				if claim == nil {
					return
				}
				name := rapid.SampledFrom(names).Draw(t, "transition")
				from := claim.Entry().State
				known := claim.Entry().ExchangeKeyID != ""
				err := transitions[name](ctx, claim)
				to, allowed := machine[name][from]
				if (name == "Condemn" || name == "Condemn beside" || name == "Doubt") && from == Pending && known {
					to = Revoking
				}
				got := claim.Entry().State
				switch {
				case !allowed && err == nil:
					t.Fatalf("%s of a key that is %q was allowed", name, from)
				case !allowed && got != from:
					t.Fatalf("%s moved a key from %q to %q", name, from, got)
				case !allowed:
				case err == nil && got != to, err != nil && got != to && (got != none || name != "Reserve" && name != "Import"):
					t.Fatalf("%s led from %q to %q (%v), want %q", name, from, got, err, to)
				case err == nil && (got != from || name != "Condemn" && name != "Condemn beside"):
					settled(id, got)
				default:
					if to == gone {
						to = none
					}
					reached[id][to] = true
				}
			},
			"fail soon": func(t *rapid.T) { failures.Store(rapid.Int64Range(1, 4).Draw(t, "calls")) },
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "minutes")) * time.Minute)
			},
			"another node has written": func(*rapid.T) { l.Invalidate(Prefix + "a") },
			"": func(t *rapid.T) {
				if l.Held() != len(held) {
					t.Fatalf("%d claims are held, want %d", l.Held(), len(held))
				}
				soon := failures.Swap(0)
				defer failures.Store(soon)
				for _, id := range ids {
					stored, err := New(l.now, noTime).Find(ctx, storage, id) // not what is kept
					if err != nil {
						t.Fatal(err)
					}
					state := none
					if stored != nil {
						state = stored.State
					}
					if !reached[id][state] {
						t.Fatalf("%s lies in storage as %q, want one of %v", id, state, reached[id])
					}
				}
				fresh := New(func() time.Time { return now }, noTime)
				all, err := fresh.Keys(ctx, storage, func(Key) bool { return true })
				if err != nil {
					t.Fatal(err)
				}
				list, err := storage.List(ctx, Prefix)
				if err != nil || len(all) != len(list) {
					t.Fatalf("%d keys are indexed, %d stored (%v)", len(all), len(list), err)
				}
			},
		})
		for _, claim := range held {
			claim.Release()
		}
		if l.Held() != 0 {
			t.Fatal("a claim is still held")
		}
	})
}
