package backend

import (
	"context"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

func TestCircuitOpensAndProbesOneAtATime(t *testing.T) {
	clock := &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c := &circuit{now: clock.Now}
	for range circuitFailures {
		require.NoError(t, c.enter())
		c.leave(&exchanges.Error{Kind: exchanges.ErrOutcomeUnknown})
	}
	require.True(t, c.open())
	err := c.enter()
	require.ErrorIs(t, err, exchanges.ErrUnavailable)
	require.ErrorContains(t, err, "since 2026-01-01T00:00:00Z, 5 calls in a row")

	clock.advance(circuitPause)
	require.NoError(t, c.enter(), "one probe")
	require.Error(t, c.enter(), "and no second at the same time")
	c.leave(&exchanges.Error{Kind: exchanges.ErrUnavailable})
	require.Error(t, c.enter(), "the pause begins anew")

	clock.advance(circuitPause)
	require.NoError(t, c.enter())
	c.leave(context.Canceled)
	require.True(t, c.open(), "a caller who left proves nothing")
	require.NoError(t, c.enter(), "so the next one probes")
	c.leave(&exchanges.Error{Kind: exchanges.ErrInvalid})
	require.False(t, c.open(), "any answer shows that the exchange is back")
}

func TestOutageFailsMintsFastAndDeletesEverythingWhenItEnds(t *testing.T) {
	d := newDesk(t)
	d.trader()
	leases := []*logical.Response{d.mint("trader"), d.mint("trader"), d.mint("trader")}
	d.inject("bybit", exchanges.OpAny, simulator.Outage, 0)
	for _, lease := range leases {
		require.Error(t, d.revoke(lease))
	}
	for range circuitFailures {
		_, err := d.do(logical.ReadOperation, "creds/trader", nil)
		require.Error(t, err)
	}
	before := d.sim.Calls("bybit", exchanges.OpCreateKey)
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(t, err, "has not answered since")
	require.Equal(t, before, d.sim.Calls("bybit", exchanges.OpCreateKey), "the exchange was not asked")
	text := d.metrics()
	require.Contains(t, text, `exchange_circuit_open{connection="bybit"} 1`)
	require.Contains(t, text, `exchange_keys{connection="bybit",state="revoking"} 3`)

	// Longer than all of Vault's own attempts, which end in an irrevocable
	// lease.
	for range 4 {
		d.clock.advance(5 * time.Minute)
		d.sweep()
	}
	require.Contains(t, d.metrics(), `exchange_overdue_seconds{connection="bybit"} 1200`)
	d.sim.ClearFaults()
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
	require.Contains(t, d.metrics(), `exchange_circuit_open{connection="bybit"} 0`)
	d.mint("trader")
}

// metrics reads the metrics as text.
func (d *desk) metrics() string {
	d.Helper()
	resp, err := d.engine.HandleRequest(d.Context(), d.request(logical.ReadOperation, "metrics", nil))
	require.NoError(d, err)
	return string(resp.Data[logical.HTTPRawBody].([]byte))
}
