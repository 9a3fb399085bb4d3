package ledger

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestKeysCountBeforeTheyAreRead drives a load step by step, beside writes and other
// changes, with ids of both kinds. Once all keys count, they do so exactly, read or not.
func TestKeysCountBeforeTheyAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		stored, listed := map[string]Entry{}, map[string]Entry{}
		// left are the entries that the load has still to read, nil if none is running;
		// early of them come first.
		var left, early []string
		var epoch int
		draw := func(t *rapid.T) Entry {
			e := Entry{
				State: Live, Connection: rapid.SampledFrom([]string{"c", "d"}).Draw(t, "connection"),
				Role: rapid.SampledFrom([]string{"r", "s"}).Draw(t, "role"), SubAccount: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "sub-account"),
			}
			// What an id belongs to never changes.
			e.ID = fmt.Sprint("old", e.Connection, e.SubAccount, e.Role)
			if stem := rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "stem"); stem != "" {
				e.ID = idOf(stem, e.Connection, e.SubAccount, e.Role)
			}
			return e
		}
		t.Repeat(map[string]func(*rapid.T){
			"write":  func(t *rapid.T) { e := draw(t); x.set(e); stored[e.ID] = e },
			"delete": func(t *rapid.T) { e := draw(t); x.remove(e.ID); delete(stored, e.ID) },
			"fail to write": func(t *rapid.T) {
				e := draw(t)
				if _, there := stored[e.ID]; !there {
					_ = x.reserve(&e, false, func(Tally) (string, error) { return e.SubAccount, nil })
					x.remove(e.ID)
				}
			},
			"list": func(*rapid.T) {
				if left != nil || x.filled {
					return
				}
				_, epoch = x.state()
				listed = maps.Clone(stored)
				left = slices.Sorted(maps.Keys(stored))
				early = slices.DeleteFunc(slices.Clone(left), func(id string) bool { _, place, _ := parseID(id); return place != "" })
				x.list(epoch, left)
			},
			"read": func(t *rapid.T) {
				if len(left) == 0 {
					return
				}
				from := left
				if len(early) > 0 {
					from = early
				}
				id := rapid.SampledFrom(from).Draw(t, "id")
				is := func(other string) bool { return other == id }
				left, early = slices.DeleteFunc(left, is), slices.DeleteFunc(early, is)
				read := loaded{ids: []string{id}}
				entries := stored
				if rapid.Bool().Draw(t, "late") {
					entries = listed // What was read may have been written or deleted since.
				}
				if e, there := entries[id]; there {
					read.entries = []Entry{e}
				}
				x.add(epoch, read)
			},
			"count": func(*rapid.T) {
				if left != nil && len(early) == 0 {
					x.count(epoch)
				}
			},
			"fill": func(*rapid.T) {
				if left != nil && len(left) == 0 {
					x.fill(epoch)
					left = nil
				}
			},
			"fail":  func(*rapid.T) { left, early = nil, nil },
			"empty": func(*rapid.T) { x.empty() },
			"": func(t *rapid.T) {
				if !x.counts() {
					return
				}
				places, roles := map[place]int{}, map[place]int{}
				for id, e := range stored {
					places[place{e.Connection, e.SubAccount}]++
					roles[place{e.Connection, e.Role}]++
					if stem, _, _ := parseID(id); stem != id {
						if of, sure := x.ofStem(stem); !sure || of == stem {
							t.Fatalf("the key of stem %s is not found", stem)
						}
					}
				}
				for _, c := range []string{"c", "d"} {
					for i, sub := range []string{"x", "y"} {
						role := []string{"r", "s"}[i]
						if got, want := (Tally{x}).InSubAccount(c, sub), places[place{c, sub}]; got != want {
							t.Fatalf("%d keys count in %s/%s, want %d", got, c, sub, want)
						}
						if got, want := (Tally{x}).OfRole(c, role), roles[place{c, role}]; got != want {
							t.Fatalf("%d keys count of %s/%s, want %d", got, c, role, want)
						}
					}
				}
				if of, sure := x.ofStem("other"); !sure || of != "other" {
					t.Fatalf("a stem without a key led to %q", of)
				}
			},
		})
	})
}

// An id of another form, as older versions made it, is a stem and nothing else.
func TestIDsSayWhereAKeyCounts(t *testing.T) {
	id := idOf("abcdefghijkl", "c", "x", "r")
	stem, at, role := parseID(id)
	if len(id) != 25 || stem != "abcdefghijkl" || at != placeHash("c", "x") || role != roleHash("c", "r") {
		t.Fatalf("%s was read as %s, %s, %s", id, stem, at, role)
	}
	if placeHash("c", "x") == roleHash("c", "x") || placeHash("c", "x") == placeHash("cx", "") {
		t.Fatal("what differs has one hash")
	}
	for _, old := range []string{"abcdefghijkl", "", "with-hyphen", "abcdefghijkl-"} {
		if stem, at, role := parseID(old); stem != old || at+role != "" {
			t.Fatalf("%s was read as %s, %s, %s", old, stem, at, role)
		}
	}
}
