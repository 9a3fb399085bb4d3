package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
)

// The environment stops everything on every connection, and what was written stays
// for when the plugin is started without it.
func TestEnvironmentHoldsEveryConnection(t *testing.T) {
	d := newDesk(t)
	d.trader()
	lease := d.mint("trader")
	d.mint("trader")
	d.connect(rotating, map[string]any{"rotation_period": "24h"})
	root := d.read("config/" + rotating)["api_key"]

	t.Setenv(holdVariable, "1")
	d.start()
	require.Equal(t, true, d.read("info")["held"])
	shown := d.read("config/bybit")
	require.Equal(t, "no", shown["frozen"])
	require.Equal(t, "all", shown["effective_frozen"])
	d.refused(logical.ReadOperation, "creds/trader", nil, "frozen", holdVariable)
	renewed, err := d.leaseAnswer(logical.RenewOperation, lease, time.Hour)
	require.NoError(t, err)
	require.ErrorContains(t, renewed.Error(), holdVariable)
	require.ErrorContains(t, d.revoke(lease), holdVariable)
	d.refused(logical.UpdateOperation, "config/bybit/reconcile", map[string]any{"dry_run": false}, holdVariable)
	d.refused(logical.UpdateOperation, "config/"+rotating+"/rotate-root", nil, holdVariable)
	require.Contains(t, d.read("config/bybit/check")["deletions_held"], holdVariable)
	d.write("config/bybit", map[string]any{"frozen": "no"})
	d.clock.advance(25 * time.Hour)
	d.sweep()
	d.engine.rotator.work.Wait()
	require.Len(t, d.sim.Keys(), 2)
	require.Zero(t, d.sim.Calls("bybit", exchanges.OpDeleteKey))
	require.Equal(t, root, d.read("config/" + rotating)["api_key"])
	require.Contains(t, d.metrics(), `exchange_deletions_held{connection="bybit"} 1`)

	d.write("config/"+rotating, map[string]any{"rotation_period": 0})
	t.Setenv(holdVariable, "0")
	d.start()
	require.Equal(t, false, d.read("info")["held"])
	require.Equal(t, "no", d.read("config/bybit")["effective_frozen"])
	require.Contains(t, d.metrics(), `exchange_deletions_held{connection="bybit"} 0`)
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

func TestHoldSays(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "false": false, "1": true, "true": true, "yes": true} {
		require.Equal(t, want, holds(value), value)
	}
}
