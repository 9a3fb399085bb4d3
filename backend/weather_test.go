package backend

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
)

// TestWeather mints, revokes, sweeps and rotates at every exchange in every weather that it
// may have (see package venue), with every answer and with the one lost that matters
// most. The promises of [TestFaultMatrix] hold each time, and keys can be had unless
// the weather is hostile.
//
// With WEATHER=full in the environment every fault of the matrix is played in every
// weather, which takes a while.
func TestWeather(t *testing.T) {
	t.Parallel()
	var table matrixTable
	t.Run("exchanges", func(t *testing.T) {
		sim := simulator.New(simulator.Options{}, all.Venues()...)
		for _, s := range matrixSubjects(t) {
			for _, condition := range sim.Weather(s.exchange.Name) {
				if condition.Elsewhere || !condition.In(s.variant.Name) {
					continue
				}
				for _, value := range condition.Values {
					condition := condition // Cases run later, when the loop is over.
					condition.Value = value
					t.Run(s.name()+"/"+condition.Name+"="+value, func(t *testing.T) {
						t.Parallel()
						for _, c := range weatherCases() {
							if !c.beyondPromise(condition) && (c.step != stepRotate || s.rotates && c.mattersIn(condition)) {
								c.runIn(t, s, condition, &table)
							}
						}
					})
				}
			}
		}
	})
	t.Log("\n" + table.String())
}

// weatherCases are the cases that are played in each weather. That of a sweep without a
// fault is in the first: the sweeper ends that key too.
func weatherCases() []matrixCase {
	if fullWeather() {
		return slices.Concat(matrixCases(), rotateCases())
	}
	lost := func(operation exchanges.Operation) []simulator.Fault {
		return []simulator.Fault{{Operation: operation, Kind: simulator.DropAfterCommit, Count: 1}}
	}
	return []matrixCase{
		{step: stepMint, fault: "none"},
		{step: stepMint, fault: "lost answer", network: lost(exchanges.OpCreateKey)},
		{step: stepRevoke, fault: "none"},
		{step: stepRevoke, fault: "lost answer", network: lost(exchanges.OpDeleteKey)},
		{step: stepSweep, fault: "lost answer", network: lost(exchanges.OpDeleteKey)},
		{step: stepRotate, fault: "none"},
		{step: stepRotate, fault: "lost answer", network: lost(exchanges.OpCreateKey)},
	}
}

// fullWeather reports whether everything is to be played.
func fullWeather() bool { return os.Getenv("WEATHER") == "full" }

// mattersIn reports whether a rotation is played in a weather. That takes a while: all of
// them are only in full. Else it is those in which no other key can be had, or not be
// seen to be gone, and of those in which things come late the latest.
func (c matrixCase) mattersIn(weather simulator.ConditionView) bool {
	late := weather.Value == weather.Values[len(weather.Values)-1] && strings.HasSuffix(weather.Name, "_late")
	if c.fault != "none" {
		return fullWeather() || late && weather.Name == "appears_late"
	}
	return fullWeather() || late || weather.Hostile || weather.Blind
}

// beyondPromise reports whether nothing is promised, or nothing can be told, of the
// case in a weather: the exchange confirms a deletion that it does not do and leaves
// the key out of its list as well, which nobody can see through; or it gives a key too
// much and too little, so that the key may be right.
func (c matrixCase) beyondPromise(weather simulator.ConditionView) bool {
	return slices.ContainsFunc(c.network, func(f simulator.Fault) bool {
		switch f.Kind {
		case simulator.DeleteLies:
			return weather.Name == "appears_late"
		case simulator.GrantMore, simulator.GrantLess:
			return weather.Hostile
		}
		return false
	})
}

// runIn plays the case in a weather.
func (c matrixCase) runIn(t *testing.T, s matrixSubject, weather simulator.ConditionView, table *matrixTable) {
	t.Run(string(c.step)+"/"+c.fault, func(t *testing.T) {
		t.Parallel()
		t.Cleanup(func() { table.add(s.name()+" "+weather.Name, c, !t.Failed()) })
		synctest.Test(t, func(t *testing.T) {
			w := &weatherBench{bench: newBench(t, s), weather: weather}
			// An exchange may add permissions by the kind of account.
			w.write("config/c", map[string]any{"allowed_scopes": s.variant.Offered().Without(exchanges.NewScopes(exchanges.ScopeWithdraw)).Strings()})
			w.write("roles/r", map[string]any{
				"connection": "c", "sub_accounts": w.access.SubAccounts[0], "scopes": s.scopes().Strings(), "ip_allowlist": w.addresses(),
				"ttl": "10m", "max_ttl": "2h", "max_wait": "30s",
			})
			w.set(weather.Value)
			switch c.step {
			case stepMint, stepRenew:
				w.mintAndExpire(c)
			case stepRevoke:
				w.mintAndRevoke(c)
			case stepSweep:
				w.mintAndSweep(c)
			case stepRotate:
				w.rotate(c)
			}
			w.keptSecrets()
		})
	})
}

// weatherBench is a bench in some weather.
type weatherBench struct {
	*bench
	weather simulator.ConditionView
}

func (w *weatherBench) set(value string) {
	require.NoError(w, w.sim.SetWeather(w.subject.exchange.Name, w.weather.Name, value))
}

// tryMint mints a key; nil if none can be had, which only a fault or hostile weather
// may cause.
func (w *weatherBench) tryMint(excused bool) *logical.Response {
	resp, err := w.do(logical.ReadOperation, "creds/r", nil)
	if err == nil && !resp.IsError() {
		require.False(w, w.weather.Hostile, "a key that is not what was asked for was handed out")
		require.Equal(w, ledger.Live, w.entry(resp.Data["key_id"].(string)).State)
		return resp
	}
	require.True(w, excused || w.weather.Hostile, "no key can be had: %v %v", err, resp)
	return nil
}

func (w *weatherBench) mintAndExpire(c matrixCase) {
	var lease *logical.Response
	c.during(w.bench, func() { lease = w.tryMint(c.fault != "none") })
	c.outlast(w.bench)
	w.end(lease)
}

func (w *weatherBench) mintAndRevoke(c matrixCase) {
	if lease := w.tryMint(false); lease != nil {
		c.during(w.bench, func() { _ = w.revoke(lease) })
		c.outlast(w.bench)
	}
	w.end(nil)
}

func (w *weatherBench) mintAndSweep(c matrixCase) {
	w.tryMint(false)
	w.clock.advance(10*time.Minute + ledger.LeaseGrace)
	c.during(w.bench, func() { w.sweep() })
	c.outlast(w.bench)
	w.end(nil)
}

// rotate has the key of a static role replaced. Where no other can be had, the role keeps
// the one that it has until the weather changes.
func (w *weatherBench) rotate(c matrixCase) {
	if w.weather.Hostile {
		w.set("") // for the first key
	}
	first := w.untilRotation()
	w.set(w.weather.Value)
	c.whileRotating(w.bench)
	switch version := w.goodKey().Data["version"]; {
	case w.weather.Hostile:
		require.Equal(w, 1, version, "a key that is not what was asked for is in use")
		require.NotZero(w, w.read("static-roles/s")["overdue_seconds"])
	case w.leftToPersons() == 0:
		require.Equal(w, 2, version, "the key was not replaced: %v", w.read("static-roles/s")["last_error"])
	}
	w.set("")
	if w.weather.Hostile {
		w.stayGood()
	} else {
		w.pass(ledger.LastRetry)
	}
	w.replaced(first)
}

// end lets time pass until the lease and all keys must have ended. Meanwhile no key
// is at the exchange that the ledger does not know. In weather that makes it
// impossible to see whether a key is gone, the ledger keeps it until that changes.
func (w *weatherBench) end(lease *logical.Response) {
	w.accounted()
	w.pass(ledger.PendingGrace)
	if lease != nil {
		w.onlyKeys(lease)
		w.pass(10 * time.Minute)
	}
	for range 4 {
		w.accounted()
		w.pass(ledger.LastRetry)
	}
	if w.weather.Blind {
		w.set("")
		w.pass(ledger.LastRetry)
	}
	if w.subject.variant.Unlisted != "" {
		w.pass(10*time.Minute + unlistedGrace)
	}
	w.onlyKeys()
}

// accounted asserts that the ledger knows every key that can do anything: by its id,
// or as one whose create answer was lost.
func (w *weatherBench) accounted() {
	w.Helper()
	lost := slices.ContainsFunc(w.ledgerIDs(), func(id string) bool { return w.entry(id).State == ledger.Pending })
	for _, key := range w.sim.Keys() {
		powerless := w.subject.variant.NoDeletion != "" && len(key.Permissions) == 0
		unlabelled := w.subject.variant.Label.MaxLength == 0 && w.subject.variant.Unlisted == ""
		require.True(w, powerless || unlabelled || lost || w.recorded(key), "key %s is not in the ledger", key.APIKey)
	}
}

// recorded reports whether the ledger knows the key: by its id or, where that is not
// the API key, by its label.
func (w *weatherBench) recorded(key simulator.KeyView) bool {
	return w.known(key.APIKey) ||
		key.Label != "" && slices.ContainsFunc(w.ledgerIDs(), func(id string) bool { return w.entry(id).Label == key.Label })
}
