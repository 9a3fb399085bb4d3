package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
)

// A mint may wait a minute for the rate limit. Vault's lease begins after it, and
// the sweeper must not end the key before that lease.
func TestLeaseBeginsWhenTheKeyIsThere(t *testing.T) {
	d := newDesk(t)
	d.trader()
	d.midway(func() { d.clock.advance(maxMaxWait) })
	lease := d.mint("trader")

	end := d.clock.Now().Add(lease.Secret.TTL)
	require.Equal(t, timestamp(end), lease.Data["expires_at"])
	d.clock.advance(lease.Secret.TTL)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "Vault has the first try")
	d.clock.advance(ledger.LeaseGrace)
	d.sweep()
	require.Empty(t, d.sim.Keys())
}

// A kill switch stops the mints that are under way as well.
func TestMintUnderWayIsStopped(t *testing.T) {
	for name, stop := range map[string]func(d *desk){
		"connection stopped": func(d *desk) { d.write("config/bybit/revoke-all", nil) },
		"connection frozen":  func(d *desk) { d.write("config/bybit", map[string]any{"frozen": "minting"}) },
		"role stopped":       func(d *desk) { d.write("roles/trader/revoke-all", nil) },
		"role deleted":       func(d *desk) { d.must(logical.DeleteOperation, "roles/trader", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trader()
			d.midway(func() { stop(d) })
			d.refused(logical.ReadOperation, "creds/trader", nil, "while the key was made", "deleted")
			require.Len(t, d.sim.Deletions("bybit"), 1, "the key was made and deleted again")
			require.Empty(t, d.sim.Keys())
			require.Empty(t, d.ledgerIDs())
		})
	}
}

// midway does something in the middle of the next mint, after the role and the
// connection were looked at.
func (d *desk) midway(do func()) {
	d.storage.failing(func(call, _ string) error {
		if call == "put" {
			d.storage.failing(nil)
			do()
		}
		return nil
	})
}
