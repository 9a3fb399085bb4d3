package exchangetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// patience is longer than any weather delays what an exchange does.
const patience = 30 * time.Second

// testWeather lives through a key's day in every weather that the exchange may have:
// see package venue for what that is. The promises hold in each, and each shows
// itself in at least one answer.
func (s *suite) testWeather(t *testing.T) {
	calm := s.dayIn(t, simulator.ConditionView{})
	for _, condition := range s.start(t).Weather(s.description.Name) {
		if condition.Elsewhere || !condition.In(s.variant.Name) {
			continue
		}
		for _, value := range condition.Values {
			condition.Value = value
			t.Run(condition.Name+"="+value, func(t *testing.T) {
				assert.True(t, differ(calm, s.dayIn(t, condition)), "no answer of %s differs from one in calm weather", condition.Operations)
			})
		}
	}
}

// dayIn lets a key be made, listed, used and deleted, and another be deleted while
// the exchange does not answer. It returns what was said.
func (s *suite) dayIn(t *testing.T, weather simulator.ConditionView) (said []message) {
	s.bubble(t, hurried, func(t *testing.T, b *bubble) {
		var account exchanges.Account
		if weather.Blind {
			account = b.account(t) // A check may ask for the list that is missing.
		}
		b.setWeather(t, weather, weather.Value)
		if !weather.Blind {
			account = b.account(t)
		}
		b.wire.instead(nil)
		_, err := account.SubAccounts(t.Context())
		require.NoError(t, err)
		day := &day{weather: weather, suite: s, bubble: b, account: account, order: s.order(t, b.root(t).SubAccounts[0], s.readGrant(t))}
		if s.variant.Unlisted == "" {
			keys, err := account.ListKeys(t.Context(), day.order.SubAccount)
			require.Equal(t, weather.Blind, err != nil, "no keys yet: %v", err)
			require.Empty(t, keys)
		}
		day.live(t)
		day.dieUnseen(t)
		said = b.wire.messages()
	})
	return said
}

// day is a key's.
type day struct {
	*suite
	*bubble
	weather simulator.ConditionView
	account exchanges.Account
	order   order
}

func (d *day) live(t *testing.T) {
	began := time.Now()
	key, err := d.account.CreateKey(t.Context(), d.order.KeyRequest)
	if err != nil {
		assertKind(t, err)
		require.True(t, d.weather.Hostile, "a key can be had: %s", err)
		d.assertGone(t, d.order.SubAccount)
		return
	}
	require.NoError(t, d.order.complete(key))

	user := d.open(t, d.order.minted(key), d.options)
	probe := d.Probes[slices.IndexFunc(d.Probes, func(p Probe) bool { return p.Scope == exchanges.ScopeRead })]
	works := d.works(t, user, probe)
	listed := d.lists(t)
	time.Sleep(patience)
	assert.True(t, works || d.works(t, user, probe), "the key works by and by")
	assert.True(t, listed || d.lists(t), "the key is listed by and by")

	d.die(t, began, key)
}

// dieUnseen deletes a new key while the exchange does not take the call: whatever the
// list shows, the key must not be taken for gone.
func (d *day) dieUnseen(t *testing.T) {
	d.setWeather(t, d.weather, d.weather.Value)
	d.order = d.suite.order(t, d.order.SubAccount, d.readGrant(t))
	began := time.Now()
	key, err := d.account.CreateKey(t.Context(), d.order.KeyRequest)
	if err != nil {
		return
	}
	d.inject(t, exchanges.OpDeleteKey, simulator.DropBeforeCommit, 0, 0)
	ref := d.order.ref(key)
	ref.Age = time.Since(began)
	require.Error(t, exchanges.SettleOne(t.Context(), d.account, d.variant, ref))
	d.ClearFaults()
	d.die(t, began, key)
}

// die deletes the key, as often as it takes, and checks that it is gone as soon as
// that is said.
func (d *day) die(t *testing.T, began time.Time, key exchanges.Key) {
	ref := d.order.ref(key)
	ref.Age = time.Since(began)
	for attempt := range 5 {
		err := exchanges.SettleOne(t.Context(), d.account, d.variant, ref)
		if err == nil {
			// A key that cannot be deleted stays in the list, which then is not without items.
			assert.False(t, d.weather.Blind && attempt == 0 && d.variant.NoDeletion == "", "nobody can tell that the key is gone")
			d.assertGone(t, d.order.SubAccount)
			return
		}
		assertKind(t, err)
		if d.weather.Blind {
			d.setWeather(t, d.weather, "")
		}
		if ref.Unseen = errors.Is(err, exchanges.ErrUnseen); ref.Unseen {
			ref.Age = 0
		}
		time.Sleep(patience)
		ref.Age += patience
	}
	require.Fail(t, "the key is not known to be gone")
}

// lists reports whether the exchange lists the key.
func (d *day) lists(t *testing.T) bool {
	if d.variant.Unlisted != "" {
		return true
	}
	return len(d.order.find(t.Context(), t, d.venue, d.account, nil)) == 1
}

// works reports whether the exchange lets the key do what it may.
func (d *day) works(t *testing.T, user exchanges.Account, probe Probe) bool {
	request, err := user.(exchanges.RequestSigner).SignRequest(t.Context(), probe.Request)
	if errors.Is(err, exchanges.ErrAuth) {
		return false // The key must log in, and is refused there.
	}
	require.NoError(t, err)
	response, err := d.wire.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if d.Accepted != nil {
		return d.Accepted(response.StatusCode, body)
	}
	return response.StatusCode/100 == 2
}

// setWeather sets a condition, if it is one; no value makes it calm.
func (b *bubble) setWeather(t *testing.T, condition simulator.ConditionView, value string) {
	if condition.Name != "" {
		require.NoError(t, b.SetWeather(b.suite.description.Name, condition.Name, value))
	}
}

// differ reports whether the first thing in which two days differ is an answer.
func differ(one, other []message) bool {
	for i := range min(len(one), len(other)) {
		if one[i].method != other[i].method || steadyPath(one[i].path) != steadyPath(other[i].path) {
			return false
		}
		if digest(one[i].answer) != digest(other[i].answer) {
			return true
		}
	}
	return false
}

// steadyPath is a path without the ids in it, which are random.
func steadyPath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) >= 8 && strings.ContainsAny(part, "0123456789") {
			parts[i] = "id"
		}
	}
	return strings.Join(parts, "/")
}

// digest is an answer without what is random.
func digest(c canned) string {
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	var tree any
	if decoder.Decode(&tree) != nil {
		return fmt.Sprint(c.status)
	}
	encoded, err := json.Marshal(steady(tree))
	if err != nil {
		panic(err) // What was decoded can be encoded.
	}
	return fmt.Sprintf("%d %s", c.status, encoded)
}

// steady replaces long texts, which may be random, by what is known of them, and
// large numbers, which may be times.
func steady(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		for name := range tree {
			tree[name] = steady(tree[name])
		}
	case []any:
		for i := range tree {
			tree[i] = steady(tree[i])
		}
	case string:
		switch {
		case strings.Contains(tree, "*"):
			return "masked"
		case len(tree) > 9:
			return "long"
		}
	case float64:
		if math.Abs(tree) > 1e6 {
			return "large"
		}
	}
	return tree
}
