package acceptance_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

const (
	// shortRun is the number of rounds of a run that is not asked for another.
	shortRun = 8
	// mostLoad is how long a round goes on before something is killed, at most.
	mostLoad = 2 * time.Second
)

// Whatever is killed at whatever moment, no key is left at an exchange without a
// lease, none is deleted before its lease ends, and no caller holds one that the
// ledger does not know.
//
// ROUNDS sets the number of rounds, and lets the sweeper end what was
// interrupted, which takes some minutes; without it that is ended by hand. SEED
// repeats the moments and the choices of an earlier run, though not the
// machine's.
func TestChaos(t *testing.T) {
	t.Parallel()
	rounds, long := number(t, "ROUNDS", shortRun)
	seed, _ := number(t, "SEED", rand.Uint64())
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	vault := vaulttest.Start(t, 1)
	server := vault.Servers[0]
	e := enableDistant(t, vault)
	l := startLoad(t, e, seed, server)
	var plugins, servers int
	for round := range rounds {
		l.goesOn(t)
		if long && round%20 == 0 {
			t.Logf("round %d of %d: callers have got %d keys so far", round+1, rounds, l.minted.Load())
		}
		time.Sleep(time.Duration(random.Int64N(int64(mostLoad)))) // the moment of the crash
		if random.IntN(2) == 0 {
			server.KillPlugins(t)
			plugins++
		} else {
			server.Kill(t)
			server.Start(t)
			servers++
		}
	}
	l.goesOn(t)
	l.end()
	left := l.settle(t, !long)

	made, deleted := len(left.exchanges), 0
	for exchange := range distantVenues() {
		deleted += len(e.simulator.Deletions(exchange))
	}
	made += deleted
	t.Logf("%d rounds with seed %d: %d kills of the plugin, %d of Vault; %d keys minted, %d deleted; %d of them never reached a caller; %d orphans left",
		rounds, seed, plugins, servers, made, deleted, made-int(l.minted.Load()), len(left.orphans()))
}

// number reads a number from the environment, and reports whether it is set.
func number(t *testing.T, variable string, otherwise uint64) (value uint64, set bool) {
	text, set := os.LookupEnv(variable)
	if !set {
		return otherwise, false
	}
	value, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return value, true
}
