package backend

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/ledger"
	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// classic writes a connection to a Bitget account in classic mode, whose keys
// cannot be deleted, and returns the fields of a role there.
func (d *desk) classic(more map[string]any) map[string]any {
	d.Helper()
	access, ok := d.sim.Root("bitget", "classic")
	require.True(d, ok)
	d.write("config/classic", merge(connectionFields("bitget", access), more))
	return map[string]any{"connection": "classic", "sub_accounts": access.SubAccounts[0], "scopes": "read", "ttl": "10m"}
}

func TestUndeletableKeysNeedTheConnectionsConsent(t *testing.T) {
	d := newDesk(t)
	role := d.classic(nil)
	require.Equal(t, false, d.read("config/classic")["allow_undeletable_keys"])
	d.refused(logical.UpdateOperation, "roles/reader", role, "cannot delete keys", "takes all permissions", "allow_undeletable_keys=true", "classic")

	d.write("config/classic", map[string]any{"allow_undeletable_keys": true})
	d.write("roles/reader", role)
	lease := d.mint("reader")

	// Consent that is withdrawn stops mints and renewals, not revocations.
	d.write("config/classic", map[string]any{"allow_undeletable_keys": false})
	d.refused(logical.ReadOperation, "creds/reader", nil, "allow_undeletable_keys=true")
	resp, err := d.leaseAnswer(logical.RenewOperation, lease, time.Minute)
	require.NoError(t, err)
	require.ErrorContains(t, resp.Error(), "allow_undeletable_keys=true")
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.ledgerIDs())
}

func TestUndeletableKeysLoseTheirPermissions(t *testing.T) {
	d := newDesk(t)
	d.write("roles/reader", d.classic(map[string]any{"allow_undeletable_keys": true}))

	lease := d.mint("reader")
	entry := d.entry(lease.Data["key_id"].(string))
	require.Equal(t, lease.Data["passphrase"], entry.Passphrase, "without it the key cannot be edited")
	require.NoError(t, d.revoke(lease))
	require.Empty(t, d.ledgerIDs())

	// A key whose create answer was lost is found by its label and ends the
	// same way, once and for all.
	d.inject("bitget", exchanges.OpCreateKey, simulator.DropAfterCommit, 1)
	_, err := d.do(logical.ReadOperation, "creds/reader", nil)
	require.Error(t, err)
	d.clock.advance(ledger.PendingGrace)
	d.sweep()
	require.Empty(t, d.ledgerIDs())

	left := d.sim.Keys()
	require.Len(t, left, 2, "the places stay taken")
	for _, key := range left {
		require.Empty(t, key.Permissions)
	}
}
