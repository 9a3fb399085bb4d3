package backend

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// TestSelfTestInCalmWeather: at every simulated exchange nothing differs from what is
// expected, and nothing is left of the key. A second test tells the same.
func TestSelfTestInCalmWeather(t *testing.T) {
	for _, s := range matrixSubjects(t) {
		t.Run(s.name(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, s)
				report := b.selfTest()
				require.Equal(t, selfTestDone, report["state"], report["problem"])
				require.Empty(t, report["differences"], "%s", factsOf(report))
				for _, name := range []string{"created", factCreateForm, "used", "deletion", "refused", "second_deletion", "gone"} {
					require.NotEqual(t, notTold, factNamed(t, report, name)["verdict"], "%s\n%s", name, factsOf(report))
				}
				require.Equal(t, s.variant.Unlisted != "", factNamed(t, report, "listed")["verdict"] == notTold)
				b.onlyKeys()
				again := b.selfTest()
				if s.variant.NoDeletion == "" { // There the list goes on showing the first key.
					require.Equal(t, factsOf(report), factsOf(again), "two reports on one exchange are the same")
				}
				b.onlyKeys()
				b.keptSecrets()
			})
		})
	}
}

// TestSelfTestInWeather: a self-test finds each condition of the weather that changes an
// answer of an operation that it makes, and nothing is left of its key.
//
// Only a selection is played, unless SELF_TEST=full is in the environment.
func TestSelfTestInWeather(t *testing.T) {
	t.Parallel()
	sim := simulator.New(simulator.Options{}, all.Venues()...)
	for _, s := range matrixSubjects(t) {
		for _, condition := range sim.Weather(s.exchange.Name) {
			if condition.Elsewhere || !condition.In(s.variant.Name) {
				continue
			}
			for i, value := range condition.Values {
				if os.Getenv("SELF_TEST") != "full" && (i > 0 || !slices.Contains(selectedWeather, condition.Name)) {
					continue
				}
				condition := condition // The tests run later, each with its own value.
				condition.Value = value
				t.Run(s.name()+"/"+condition.Name+"="+value, func(t *testing.T) {
					t.Parallel()
					playSelfTest(t, s, condition)
				})
			}
		}
	}
}

// selectedWeather is what is always played: one condition of each kind.
var selectedWeather = []string{"vanishes_late", "works_late", "null_list", "missing_list", "adds_permission", "create_answer"}

// unseenWeather are the conditions that no fact of a self-test shows, with the reason.
var unseenWeather = map[string]string{
	"bingx/key_status":             "another number, of which nothing is documented",
	"bitfinex/shared_nonces":       "only a nonce that comes late tells",
	"bitget-broker/type_words":     "another word for the same, which is read",
	"bitget-classic/missing_list":  "the list is never empty, since no key is deleted",
	"bitget-classic/null_list":     "the list is never empty, since no key is deleted",
	"bitget-classic/vanishes_late": "the list goes on showing the key in any case",
	"bitget-unified/type_words":    "another word for the same, which is read",
	"coinex/frozen_filter":         "only the list of sub-accounts tells",
	"deribit-direct/works_late":    "the key can log in meanwhile, and a self-test asks no more of it",
	"deribit-main/works_late":      "the key can log in meanwhile, and a self-test asks no more of it",
	"htx/answer_form=older":        "only the list of sub-users tells",
	"hyperliquid/works_late":       "whose key it is can be asked without its signature",
	"okx/short_words":              "another word for the same, which is read",
	"orderly/own_key_late=3s":      "it is waited for when the connection is written",
}

// playSelfTest makes a test with a key that trades, and one with a key that only reads: a
// condition may concern either.
func playSelfTest(t *testing.T, s matrixSubject, weather simulator.ConditionView) {
	var calm []string
	synctest.Test(t, func(t *testing.T) { calm = bothSelfTests(newBench(t, s)) })
	synctest.Test(t, func(t *testing.T) {
		w := &weatherBench{bench: newBench(t, s), weather: weather}
		w.set(weather.Value)
		seen := !slices.Equal(calm, bothSelfTests(w.bench))
		name := s.name() + "/" + weather.Name
		if why := cmp.Or(unseenWeather[name], unseenWeather[name+"="+weather.Value]); why != "" {
			assert.False(t, seen, "it is seen, though it is said that %s", why)
		} else {
			assert.True(t, seen, "the weather is not seen in:\n%s", strings.Join(calm, "\n"))
		}
		if weather.Blind {
			w.set("")
		}
		w.pass(ledger.LastRetry)
		if s.variant.Unlisted != "" {
			w.pass(time.Hour)
		}
		w.onlyKeys()
		w.keptSecrets()
	})
}

// bothSelfTests are the facts of a test with the scopes of the bench, and of one with
// read alone, where there is that.
func bothSelfTests(b *bench) []string {
	b.Helper()
	facts := []string{factsOf(b.selfTest())}
	if _, err := b.subject.variant.Grant(exchanges.NewScopes(exchanges.ScopeRead), nil); err == nil {
		b.startSelfTest(map[string]any{"scopes": nil})
		facts = append(facts, factsOf(b.selfTestEnded()))
	}
	return facts
}

// selfTest runs a self-test with the scopes of the bench, and returns its report once it
// has ended.
func (b *bench) selfTest() map[string]any {
	b.Helper()
	b.startSelfTest(nil)
	return b.selfTestEnded()
}

func (b *bench) startSelfTest(more map[string]any) *logical.Response {
	b.Helper()
	return b.write("config/c/self-test", merge(map[string]any{
		"sub_account": b.access.SubAccounts[0], "scopes": b.subject.scopes().Strings(), "ip_allowlist": b.addresses(),
	}, more))
}

// selfTestEnded waits until the self-test has ended.
func (b *bench) selfTestEnded() map[string]any {
	b.Helper()
	return b.selfTestEndedAt("config/c/self-test")
}

func (b *bench) selfTestEndedAt(path string) map[string]any {
	b.Helper()
	for range 2000 {
		if report := b.read(path); report["state"] != selfTestRunning {
			synctest.Wait()
			return report
		}
		time.Sleep(time.Second)
	}
	require.Fail(b, "the self-test does not end")
	return nil
}

func factNamed(t *testing.T, report map[string]any, name string) map[string]any {
	t.Helper()
	facts := report["facts"].([]map[string]any)
	i := slices.IndexFunc(facts, func(f map[string]any) bool { return f["name"] == name })
	require.GreaterOrEqual(t, i, 0, "no fact %s", name)
	return facts[i]
}

// factsOf writes the facts, for comparison.
func factsOf(report map[string]any) string {
	text := &strings.Builder{}
	for _, f := range report["facts"].([]map[string]any) {
		fmt.Fprintf(text, "%s: %s: expected %s, seen %s, seconds %v, code %s\n", f["name"], f["verdict"], f["expected"], f["seen"], f["seconds"], f["code"])
	}
	return text.String()
}
