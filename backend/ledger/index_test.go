package ledger

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIndexFollowsTheLedger drives the index through random changes and compares all
// that it tells with a plain map.
func TestIndexFollowsTheLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		model := map[string]Entry{}
		entry := func(t *rapid.T) Entry {
			at := func(name string) time.Time {
				return start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, name)) * time.Minute)
			}
			return Entry{
				ID: rapid.StringMatching("[a-e]").Draw(t, "id"), State: rapid.SampledFrom([]State{Pending, Live, Revoking}).Draw(t, "state"),
				Connection: rapid.SampledFrom([]string{"c", "d"}).Draw(t, "connection"), Role: rapid.StringMatching("[rs]").Draw(t, "role"),
				SubAccount: rapid.StringMatching("[xy]").Draw(t, "sub-account"),
				Created:    at("created"), Expires: at("expires"), Revoking: at("revoking"), NextTry: at("due"),
			}
		}
		epoch := func() int { _, epoch := x.state(); return epoch }
		t.Repeat(map[string]func(*rapid.T){
			"set":    func(t *rapid.T) { e := entry(t); x.set(e); model[e.ID] = e },
			"remove": func(t *rapid.T) { e := entry(t); x.remove(e.ID); delete(model, e.ID) },
			"fill": func(t *rapid.T) {
				// What a load read is older than what was written meanwhile.
				e := entry(t)
				filled, epoch := x.state()
				known := filled || x.changed[e.ID]
				x.add(epoch, loaded{entries: []Entry{e}})
				if rapid.Bool().Draw(t, "whole") {
					x.fill(epoch)
				}
				if !known {
					model[e.ID] = e
				}
			},
			"empty": func(*rapid.T) { x.empty(); clear(model) },
			"stale fill": func(t *rapid.T) {
				x.add(epoch()-1, loaded{entries: []Entry{entry(t)}})
				x.fill(epoch() - 1)
			},
			"": func(t *rapid.T) {
				// The clock is looked at twice, so that it is believed.
				now := start.Add(25 * time.Minute)
				x.looks = nil
				x.dueBefore(now, 0, 100)
				want := standing(model, now)
				got := told(x, now, x.dueBefore(now, secondLook, 100))
				if !reflect.DeepEqual(want, got) {
					t.Fatalf("told %+v, want %+v", got, want)
				}
				limited := x.dueBefore(now, secondLook, 1)
				for connection, due := range want.Due {
					if !slices.Equal(limited[connection], due[:1]) {
						t.Fatalf("%v is due first, want %v", limited[connection], due[:1])
					}
				}
			},
		})
	})
}

// ledgerStanding is all that the index tells.
type ledgerStanding struct {
	IDs, AfterB []string
	Due         map[string][]string
	Keys, Late  map[string]int
	NextEnd     map[string]time.Time
	Oldest      map[place]time.Time // by connection and state
	Counts      map[place]int       // by connection, and sub-account, role or state
}

type place struct{ connection, name string }

func newStanding() ledgerStanding {
	return ledgerStanding{
		Due: map[string][]string{}, Keys: map[string]int{}, Late: map[string]int{}, NextEnd: map[string]time.Time{},
		Oldest: map[place]time.Time{}, Counts: map[place]int{},
	}
}

// standing is what the index should tell of these entries.
func standing(model map[string]Entry, now time.Time) ledgerStanding {
	s := newStanding()
	for _, id := range slices.Sorted(maps.Keys(model)) {
		e := model[id]
		s.IDs = append(s.IDs, id)
		if id > "b" && len(s.AfterB) < 2 {
			s.AfterB = append(s.AfterB, id)
		}
		s.Keys[e.Connection]++
		for _, name := range []string{e.SubAccount, e.Role, string(e.State)} {
			s.Counts[place{e.Connection, name}]++
		}
		if !dueAt(e).After(now) {
			s.Due[e.Connection] = append(s.Due[e.Connection], id)
		}
		if wantedGone(e).Before(now) {
			s.Late[e.Connection]++
		}
		if next, has := s.NextEnd[e.Connection]; e.State == Live && (!has || e.Expires.Before(next)) {
			s.NextEnd[e.Connection] = e.Expires
		}
		at := place{e.Connection, string(e.State)}
		if oldest, has := s.Oldest[at]; !has || e.Created.Before(oldest) {
			s.Oldest[at] = e.Created
		}
	}
	for _, due := range s.Due {
		longest := func(a, b string) int { return cmp.Or(dueAt(model[a]).Compare(dueAt(model[b])), cmp.Compare(a, b)) }
		slices.SortFunc(due, longest)
		first := map[string]string{} // of each sub-account
		for _, id := range slices.Backward(due) {
			first[model[id].SubAccount] = id
		}
		slices.SortFunc(due, func(a, b string) int {
			return cmp.Or(longest(first[model[a].SubAccount], first[model[b].SubAccount]), longest(a, b))
		})
	}
	return s
}

// told is what the index does tell.
func told(x *index, now time.Time, due map[string][]string) ledgerStanding {
	s, t := newStanding(), Tally{x}
	s.Due = due
	for _, key := range x.matching(func(Key) bool { return true }) {
		s.IDs = append(s.IDs, key.ID)
	}
	for _, key := range x.after("b", 2) {
		s.AfterB = append(s.AfterB, key.ID)
	}
	for _, connection := range t.Connections() {
		s.Keys[connection] = t.OfConnection(connection)
		if late, _ := t.Overdue(connection, now); late > 0 {
			s.Late[connection] = late
		}
		if next := t.NextEnd(connection); !next.IsZero() {
			s.NextEnd[connection] = next
		}
		for name, counts := range t.SubAccounts(connection) {
			s.Counts[place{connection, name}] = counts
		}
		for _, name := range t.Roles(connection) {
			s.Counts[place{connection, name}] = t.OfRole(connection, name)
		}
		for _, state := range []State{Pending, Live, Revoking} {
			if keys, oldest := t.OfState(connection, state); keys > 0 {
				s.Counts[place{connection, string(state)}] = keys
				s.Oldest[place{connection, string(state)}] = oldest
			}
		}
	}
	return s
}

// What is told of an older state stays as it was: nobody waits for who reads it.
func TestAWalkHoldsNobodyUp(t *testing.T) {
	x := newIndex()
	x.set(Entry{ID: "a", State: Live})
	var seen []string
	x.matching(func(key Key) bool {
		seen = append(seen, key.ID)
		x.set(Entry{ID: "b", State: Live})
		x.remove("a")
		return true
	})
	if !slices.Equal(seen, []string{"a"}) || x.keys["a"] != nil || x.keys["b"] == nil {
		t.Fatalf("saw %v", seen)
	}
}
