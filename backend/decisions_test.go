package backend

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

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
	keys, storage := ledger.New(time.Now, func() time.Duration { return 0 }), &logical.InmemStorage{}
	for i, place := range [][3]string{
		{"c", "a", "r"}, {"c", "a", "other"}, {"c", "b", "r"}, {"elsewhere", "b", "r"}, {"elsewhere", "b", "r"},
	} {
		claim, err := keys.Claim(t.Context(), storage, fmt.Sprint(i))
		require.NoError(t, err)
		require.NoError(t, claim.Import(t.Context(), ledger.Entry{Connection: place[0], SubAccount: place[1], Role: place[2], Expires: soon}))
		claim.Release()
	}
	s := slots{roleName: "r", connection: "c", candidates: []string{"a", "b"}}
	got, err := keys.Choose(t.Context(), storage, s.choose)
	require.NoError(t, err)
	require.Equal(t, "b", got, "another connection's keys do not count")

	s.perAccount = 1
	_, err = keys.Choose(t.Context(), storage, s.choose)
	require.ErrorContains(t, err, "1 key")
	require.ErrorContains(t, err, timestamp(soon))
	s.perAccount, s.maxLiveKeys = 0, 2
	_, err = keys.Choose(t.Context(), storage, s.choose)
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
