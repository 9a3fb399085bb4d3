package ledger

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIndexFollowsTheLedger drives the index through random changes and compares it
// with a plain map.
func TestIndexFollowsTheLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		model := map[string]Entry{}
		entry := func(t *rapid.T) Entry {
			return Entry{
				ID: rapid.StringMatching("[a-e]").Draw(t, "id"), State: Revoking,
				SubAccount: rapid.StringMatching("[xy]").Draw(t, "sub-account"),
				NextTry:    start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "due")) * time.Minute),
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
				x.fill(epoch, loaded{entries: []Entry{e}})
				if !known {
					model[e.ID] = e
				}
			},
			"empty": func(*rapid.T) { x.empty(); clear(model) },
			"stale fill": func(t *rapid.T) {
				x.fill(epoch()-1, loaded{entries: []Entry{entry(t)}})
			},
			"": func(t *rapid.T) {
				now := start.Add(25 * time.Minute)
				due := x.dueBefore(now, 0, 100)[""]
				want := 0
				for id, e := range model {
					if !x.has(id) {
						t.Fatalf("%s is missing", id)
					}
					if !dueAt(e).After(now) {
						want++
					}
				}
				if len(due) != want || len(x.matching(func(Key) bool { return true })) != len(model) {
					t.Fatalf("due %v of %d, want %d of %d", due, len(x.keys), want, len(model))
				}
				perAccount := 0
				for _, n := range x.inSubAccounts {
					perAccount += n
				}
				if perAccount != len(model) {
					t.Fatalf("%d keys are counted, want %d", perAccount, len(model))
				}
				for i := 1; i < len(due); i++ {
					if dueAt(model[due[i]]).Before(dueAt(model[due[i-1]])) {
						t.Fatalf("%v is not in order", due)
					}
				}
			},
		})
	})
}
