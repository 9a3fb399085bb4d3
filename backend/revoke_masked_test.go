package backend

import (
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// maskedDesk has a role at an exchange that lists keys masked, or, with the root
// "whole", in full.
func maskedDesk(t *testing.T, root string) (*desk, simulator.Access) {
	d := newDesk(t)
	access, ok := d.sim.Root("bingx", root)
	require.True(t, ok)
	d.write("config/bingx", connectionFields("bingx", access))
	d.write("roles/trader", map[string]any{
		"connection": "bingx", "sub_accounts": access.SubAccounts[0], "scopes": "read,trade:futures", "ip_allowlist": "127.0.0.1", "ttl": "10m",
	})
	return d, access
}

// loseAnswer mints a key of which no answer comes, and returns its ledger id.
func (d *desk) loseAnswer() string {
	d.Helper()
	d.inject("bingx", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(d, err, "outcome unknown")
	require.Len(d, d.sim.Keys(), 1)
	ids := d.ledgerIDs()
	require.Len(d, ids, 1)
	return ids[0]
}

func TestMaskedKeyIsLeftToAPerson(t *testing.T) {
	d, access := maskedDesk(t, "main")
	id := d.loseAnswer()
	lost := d.sim.Keys()[0]
	d.clock.advance(ledger.PendingGrace)
	d.sweep()

	words := []string{
		"labelled " + lost.Label, "listed only as " + lost.APIKey[:3] + "*", "cannot be deleted through the API", "nobody holds its secret",
		"delete it on the exchange's website", access.SubAccounts[0],
	}
	shown := d.read("keys/" + id)
	require.Equal(t, "pending", shown["state"])
	require.Empty(t, shown["api_key"])
	for _, word := range words {
		require.Contains(t, shown["last_error"], word)
		require.Contains(t, d.log.String(), word, "a warning is logged")
	}
	d.refused(logical.DeleteOperation, "keys/"+id, nil, words...)

	// However often it is tried, ever more rarely, nothing else suffers.
	for range 2 * circuitFailures {
		d.clock.advance(ledger.LastRetry)
		d.sweep()
	}
	entry := d.entry(id)
	require.Equal(t, ledger.Pending, entry.State)
	require.Equal(t, ledger.LastRetry, entry.NextTry.Sub(d.clock.Now()))
	lease := d.mint("trader")
	compared := d.write("config/bingx/reconcile", map[string]any{"dry_run": false}).Data
	require.Equal(t, 2, compared["known"], "by the label")
	for _, none := range []string{"strays", "foreign", "missing"} {
		require.Empty(t, compared[none], none)
	}
	require.NoError(t, d.revoke(lease))
	require.Equal(t, []simulator.KeyView{lost}, d.sim.Keys())
	require.Equal(t, []string{id}, d.ledgerIDs(), "it takes a place at the exchange, and here")

	require.True(t, d.sim.RemoveKey("bingx", lost.APIKey))
	d.clock.advance(ledger.LastRetry)
	d.sweep()
	require.Empty(t, d.ledgerIDs(), "what a person has deleted is done with")
}

func TestKeyListedInFullIsDeleted(t *testing.T) {
	d, _ := maskedDesk(t, "whole")
	d.loseAnswer()
	d.clock.advance(ledger.PendingGrace)
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}

// A masked key whose id was in the answer can be deleted, though its creation
// failed and it could not be rolled back.
func TestKeyThatCouldNotBeRolledBack(t *testing.T) {
	d, _ := maskedDesk(t, "main")
	d.inject("bingx", exchanges.OpListKeys, simulator.Error5xx, 0)
	d.inject("bingx", exchanges.OpDeleteKey, simulator.Error5xx, 0)
	_, err := d.do(logical.ReadOperation, "creds/trader", nil)
	require.ErrorContains(t, err, "outcome unknown")
	left := d.sim.Keys()
	require.Len(t, left, 1)
	entry := d.entry(d.ledgerIDs()[0])
	require.Equal(t, left[0].APIKey, entry.ExchangeKeyID)
	require.Equal(t, ledger.Revoking, entry.State, "it is in no doubt, and need not be waited for")
	require.NotEmpty(t, entry.LastError)

	d.sim.ClearFaults()
	d.sweep()
	require.Empty(t, d.sim.Keys())
	require.Empty(t, d.ledgerIDs())
}
