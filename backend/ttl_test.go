package backend

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestLifetimeNeverPassesACap: whatever is asked for, the granted times stay
// within every cap that is set.
func TestLifetimeNeverPassesACap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.Int64Range(0, 100)
		draw := func(name string) time.Duration { return time.Duration(hours.Draw(t, name)) * time.Hour }
		r, c := role{TTL: draw("role ttl"), MaxTTL: draw("role max")}, connection{MaxTTL: draw("connection max")}
		mount := leaseLimits{longest: draw("mount max"), usual: draw("mount default")}
		wish := draw("wish")
		got, err := mintLifetime(wish, r, c, mount)
		if err != nil {
			return
		}
		if got.ttl <= 0 || got.ttl > got.maxTTL {
			t.Fatalf("ttl %s, max %s", got.ttl, got.maxTTL)
		}
		for _, limit := range []time.Duration{r.MaxTTL, c.MaxTTL, mount.longest} {
			if limit > 0 && got.maxTTL > limit {
				t.Fatalf("max %s passes %s", got.maxTTL, limit)
			}
		}
		if wish > 0 && got.ttl != wish {
			t.Fatalf("asked for %s, got %s", wish, got.ttl)
		}
	})
}

func TestLifetimeFailsClosed(t *testing.T) {
	_, err := mintLifetime(0, role{}, connection{}, leaseLimits{})
	require.ErrorContains(t, err, "max_ttl")
}
