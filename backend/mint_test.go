package backend

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A mint may wait a minute for the rate limit. Vault's lease begins after it, and
// the sweeper must not end the key before that lease.
func TestLeaseBeginsWhenTheKeyIsThere(t *testing.T) {
	d := newDesk(t)
	d.trader()
	waited := false
	d.storage.failing(func(call, _ string) error {
		if call == "put" && !waited {
			waited = true
			d.clock.advance(maxMaxWait)
		}
		return nil
	})
	lease := d.mint("trader")
	d.storage.failing(nil)

	end := d.clock.Now().Add(lease.Secret.TTL)
	require.Equal(t, timestamp(end), lease.Data["expires_at"])
	d.clock.advance(lease.Secret.TTL)
	d.sweep()
	require.Len(t, d.sim.Keys(), 1, "Vault has the first try")
	d.clock.advance(leaseGrace)
	d.sweep()
	require.Empty(t, d.sim.Keys())
}
