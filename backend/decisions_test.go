package backend

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func TestDueAt(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	entry := keyEntry{Created: start, Expires: start.Add(time.Hour), NextTry: start.Add(3 * time.Hour)}
	for state, want := range map[state]time.Time{
		statePending:  start.Add(3 * time.Hour),
		stateLive:     start.Add(time.Hour + leaseGrace),
		stateRevoking: start.Add(3 * time.Hour),
	} {
		entry.State = state
		require.Equal(t, want, dueAt(entry), state)
	}
	require.Equal(t, start.Add(pendingGrace), dueAt(keyEntry{State: statePending, Created: start}))
	require.Greater(t, pendingGrace, maxMaxWait+createTimeout, "no mint may still run when its entry is settled")
}

func TestRetryDelayGrowsToALimit(t *testing.T) {
	require.Equal(t, firstRetry, retryDelay(1, nil))
	require.Equal(t, 2*firstRetry, retryDelay(2, nil))
	for n := 2; n < 1000; n *= 2 {
		require.GreaterOrEqual(t, retryDelay(n, nil), retryDelay(n-1, nil))
		require.LessOrEqual(t, retryDelay(n, nil), lastRetry)
	}
	require.Equal(t, lastRetry, retryDelay(1000, nil))
	require.Equal(t, 7*time.Second, retryDelay(9, &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: 7 * time.Second}))
}

// TestLifetimeNeverPassesACap: whatever is asked for, the granted times stay
// within every cap that is set.
func TestLifetimeNeverPassesACap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hours := rapid.Int64Range(0, 100)
		draw := func(name string) time.Duration { return time.Duration(hours.Draw(t, name)) * time.Hour }
		r, c := role{TTL: draw("role ttl"), MaxTTL: draw("role max")}, connection{MaxTTL: draw("connection max")}
		system := logical.StaticSystemView{DefaultLeaseTTLVal: draw("mount default"), MaxLeaseTTLVal: draw("mount max")}
		wish := draw("wish")
		got, err := mintLifetime(wish, r, c, system)
		if err != nil {
			return
		}
		if got.ttl <= 0 || got.ttl > got.maxTTL {
			t.Fatalf("ttl %s, max %s", got.ttl, got.maxTTL)
		}
		for _, limit := range []time.Duration{r.MaxTTL, c.MaxTTL, system.MaxLeaseTTLVal} {
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
	_, err := mintLifetime(0, role{}, connection{}, logical.StaticSystemView{})
	require.ErrorContains(t, err, "max_ttl")
}

func TestSlotsChoose(t *testing.T) {
	soon := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	key := func(connection, subAccount, role string) *indexed {
		return &indexed{connection: connection, subAccount: subAccount, role: role, state: stateLive, expires: soon}
	}
	keys := newTally()
	for i, k := range []*indexed{
		key("c", "a", "r"), key("c", "a", "other"), key("c", "b", "r"), key("elsewhere", "b", "r"), key("elsewhere", "b", "r"),
	} {
		keys.keys[fmt.Sprint(i)] = k
		keys.add(k, 1)
	}
	s := slots{roleName: "r", connection: "c", candidates: []string{"a", "b"}}
	got, err := s.choose(keys)
	require.NoError(t, err)
	require.Equal(t, "b", got, "another connection's keys do not count")

	s.perAccount = 1
	_, err = s.choose(keys)
	require.ErrorContains(t, err, "1 key")
	require.ErrorContains(t, err, timestamp(soon))
	s.perAccount, s.maxLiveKeys = 0, 2
	_, err = s.choose(keys)
	require.ErrorContains(t, err, "max_live_keys")
}

func TestLabels(t *testing.T) {
	tag := ownershipTag("mount")
	require.Len(t, tag, tagLength)
	require.NotEqual(t, tag, ownershipTag("other mount"))
	require.Equal(t, keyID("m", "request", 0), keyID("m", "request", 0))
	require.NotEqual(t, keyID("m", "request", 0), keyID("m", "request", 1))

	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			if variant.Label.MaxLength > 0 {
				require.GreaterOrEqual(t, variant.Label.MaxLength, shortestLabel, exchange.Describe().Name)
			}
		}
	}

	rule := exchanges.LabelRule{MaxLength: 30, Hyphens: true}
	label, err := makeLabel(tag, "abcdefghijkl", "{{ .RoleName }} / ü-{{ .Reason }}", labelData{RoleName: "spot", Reason: "x"}, rule)
	require.NoError(t, err)
	require.Equal(t, tag+"abcdefghijklspot-x", label)
	label, err = makeLabel(tag, "abcdefghijkl", "", labelData{}, exchanges.LabelRule{})
	require.NoError(t, err)
	require.Empty(t, label, "an exchange without labels")
}

// shortestLabel is the shortest that an exchange takes.
const shortestLabel = 16

// FuzzLabel: the tag is always whole, the id as good as, and the exchange's rule
// is kept.
func FuzzLabel(f *testing.F) {
	f.Add("{{ .RoleName }}", "role", 20, true)
	f.Add("{{ random 20 }}", "röle\x00", 50, false)
	f.Fuzz(func(t *testing.T, text, name string, length int, hyphens bool) {
		if length < shortestLabel || length > 200 || len(text) > 200 {
			return
		}
		rule := exchanges.LabelRule{MaxLength: length, Hyphens: hyphens}
		label, err := makeLabel("vxabcd", "abcdefghijkl", text, labelData{RoleName: name}, rule)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(label), length)
		require.Regexp(t, `^vxabcdabcdefghij(k|kl[A-Za-z0-9-]*)?$`, label)
		if !hyphens {
			require.NotContains(t, label, "-")
		}
	})
}

// TestIndexFollowsTheLedger drives the index through random changes and
// compares it with a plain map.
func TestIndexFollowsTheLedger(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		x := newIndex()
		model := map[string]keyEntry{}
		entry := func(t *rapid.T) keyEntry {
			return keyEntry{
				ID: rapid.StringMatching("[a-e]").Draw(t, "id"), State: stateRevoking,
				SubAccount: rapid.StringMatching("[xy]").Draw(t, "sub-account"),
				NextTry:    start.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "due")) * time.Minute),
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"set":    func(t *rapid.T) { e := entry(t); x.set(e); model[e.ID] = e },
			"remove": func(t *rapid.T) { e := entry(t); x.remove(e.ID); delete(model, e.ID) },
			"fill": func(t *rapid.T) {
				// What a load read is older than what was written meanwhile.
				e := entry(t)
				known := x.loaded() || x.changed[e.ID]
				x.fill(x.epoch(), []keyEntry{e})
				if !known {
					model[e.ID] = e
				}
			},
			"empty": func(*rapid.T) { x.empty(); clear(model) },
			"stale fill": func(t *rapid.T) {
				x.fill(x.epoch()-1, []keyEntry{entry(t)})
			},
			"": func(t *rapid.T) {
				now := start.Add(25 * time.Minute)
				due := x.dueBefore(now, 100)[""]
				want := 0
				for id, e := range model {
					if !x.has(id) {
						t.Fatalf("%s is missing", id)
					}
					if !dueAt(e).After(now) {
						want++
					}
				}
				if len(due) != want || x.count(func(*indexed) bool { return true }) != len(model) {
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

func TestClaimsLetOneInAtATime(t *testing.T) {
	c := &claims{held: map[string]chan struct{}{}}
	release, err := c.take(t.Context(), "key")
	require.NoError(t, err)
	_, busy := c.try("key")
	require.NotNil(t, busy)
	other, _ := c.try("other key")
	require.NotNil(t, other)
	other()

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.take(gone, "key")
	require.ErrorIs(t, err, context.Canceled)

	var waiting sync.WaitGroup
	inside, most := 0, 0
	for range 20 {
		waiting.Go(func() {
			release, err := c.take(t.Context(), "key")
			if err != nil {
				return
			}
			inside++
			most = max(most, inside)
			inside--
			release()
		})
	}
	release()
	waiting.Wait()
	require.Equal(t, 1, most)
	require.Empty(t, c.held)
}

func TestEachConnectionIsOpenedOnceAndForgottenWhenItChanges(t *testing.T) {
	d := newDesk(t)
	d.connect("bybit", nil)
	first, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	again, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.Same(t, first, again)

	// Another node wrote: what was kept must not be used any more.
	d.engine.invalidate(t.Context(), connectionPrefix+"bybit")
	fresh, err := d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.NotSame(t, first, fresh)

	// An invalidation that comes while storage is being read wins.
	d.engine.invalidate(t.Context(), connectionPrefix+"bybit")
	d.storage.failing(func(call, key string) error {
		if call == "get" && key == connectionPrefix+"bybit" {
			d.engine.invalidate(t.Context(), key)
		}
		return nil
	})
	_, err = d.engine.connections.get(t.Context(), d.storage, "bybit")
	require.NoError(t, err)
	require.Empty(t, d.engine.connections.links)
}

func TestNewerSchemaIsNotTouched(t *testing.T) {
	d := newDesk(t)
	entry, err := logical.StorageEntryJSON(rolePrefix+"future", map[string]any{"schema": schemaVersion + 1, "entry": map[string]any{}})
	require.NoError(t, err)
	require.NoError(t, d.storage.Put(t.Context(), entry))
	_, err = d.do(logical.ReadOperation, "roles/future", nil)
	require.ErrorContains(t, err, "newer version")

	require.NoError(t, d.storage.Put(t.Context(), &logical.StorageEntry{Key: rolePrefix + "broken", Value: []byte("canary{")}))
	_, err = d.do(logical.ReadOperation, "roles/broken", nil)
	require.ErrorContains(t, err, "damaged")
	require.NotContains(t, err.Error(), "canary")
}
