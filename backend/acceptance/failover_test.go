package acceptance_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Of three servers any may be asked and any may be lost: minting goes on, and
// every key keeps to its lease.
func TestFailover(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 3)
	e := enableDistant(t, vault)
	l := startLoad(t, e, rand.Uint64(), vault.Servers...)
	l.goesOn(t)
	for range 2 {
		killed := vault.Active(t)
		killed.Kill(t)
		awaitSuccessor(t, vault, killed, l)
		killed.Start(t)

		stepping := vault.Active(t)
		require.NoError(t, stepping.Client(t).Sys().StepDownWithContext(t.Context()))
		awaitSuccessor(t, vault, stepping, l)
	}
	l.end()
	l.settle(t, true)

	t.Run("standby", func(t *testing.T) { testStandby(t, e) })
	t.Run("sweeper", func(t *testing.T) { testOneSweeper(t, e) })
}

// awaitSuccessor waits until another server is active and mints.
func awaitSuccessor(t *testing.T, vault *vaulttest.Cluster, lost *vaulttest.Server, l *load) {
	began := time.Now()
	require.Eventually(t, func() bool { return vault.Active(t) != lost }, soon, often, "no other server becomes active")
	l.goesOn(t)
	t.Logf("after %s keys are minted again", time.Since(began).Round(often))
}

// A standby does what it is asked by handing it to the active server.
func testStandby(t *testing.T, e *engine) {
	active := e.vault.Active(t)
	standbys := slices.DeleteFunc(slices.Clone(e.vault.Servers), func(s *vaulttest.Server) bool { return s == active })
	require.Len(t, standbys, 2)
	for _, standby := range standbys {
		there := *e
		there.client = standby.Client(t)
		k := there.mint(t, bybit)
		k.works(t)
		k.renew(t, int(longLease.Seconds()))
		require.Equal(t, "live", there.read(t, "keys/"+k.text("key_id"))["state"])
		k.revoke(t)
		k.gone(t)
	}
}

// What the sweeper finds due it deletes once, though three servers run: one of
// them, which was active before, has run the same mount.
func testOneSweeper(t *testing.T, e *engine) {
	for range 3 {
		e.mint(t, bybit)
	}
	e.misbehave(t, exchanges.OpDeleteKey, simulator.DeleteLies)
	require.NoError(t, e.client.Sys().RevokeForceWithContext(t.Context(), e.path+"/creds/"+bybit))
	e.simulator.ClearFaults()

	keys := func() (n int) {
		for _, k := range e.simulator.Keys() {
			if k.Exchange == bybit {
				n++
			}
		}
		return n
	}
	due, before := keys(), e.simulator.Calls(bybit, exchanges.OpDeleteKey)
	require.GreaterOrEqual(t, due, 3)
	require.Eventually(t, func() bool { return keys() == 0 }, sweep, often, "the sweeper does not delete the keys")
	require.Eventually(t, func() bool {
		return !slices.Contains(slices.Collect(maps.Values(e.inventory(t).ledger)), "revoking")
	}, soon, often, "keys that are gone stay in the ledger")
	require.Equal(t, due, e.simulator.Calls(bybit, exchanges.OpDeleteKey)-before)
}
