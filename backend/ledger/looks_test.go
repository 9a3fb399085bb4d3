package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestOnlyWhatTheClockKeepsShowingIsPast compares with the rule itself: a time is surely
// past if it was past at every look since one that is old enough.
func TestOnlyWhatTheClockKeepsShowingIsPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l looks
		var all []look
		elapsed := time.Duration(0)
		t.Repeat(map[string]func(*rapid.T){"look": func(t *rapid.T) {
			elapsed += time.Duration(rapid.IntRange(1, 20).Draw(t, "elapsed")) * looksApart
			now := start.Add(elapsed)
			if rapid.Bool().Draw(t, "jumps") {
				now = now.Add(time.Duration(rapid.IntRange(-60, 60).Draw(t, "jump")) * time.Second)
			}
			all = append(all, look{elapsed, now})
			var want time.Time
			for i, first := range all {
				if elapsed-first.at < secondLook {
					break
				}
				least := first.showed
				for _, later := range all[i:] {
					if later.showed.Before(least) {
						least = later.showed
					}
				}
				want = later(want, least)
			}
			if past := l.past(now, elapsed); !past.Equal(want) {
				t.Fatalf("%s is past, want %s", past, want)
			}
		}})
	})
}

func TestLooksThatAreCloseTogetherTakeNoRoom(t *testing.T) {
	var l looks
	for i := range 100_000 {
		elapsed := time.Duration(i) * time.Millisecond
		l.past(start.Add(elapsed), elapsed)
	}
	require.Less(t, len(l), 100)
	// One of them that shows an earlier time counts all the same.
	elapsed := 100 * time.Second
	l.past(start, elapsed+time.Millisecond)
	require.Equal(t, start, l.past(start.Add(elapsed), elapsed+2*time.Millisecond))
}
