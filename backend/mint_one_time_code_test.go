package backend

import (
	"testing"
	"testing/synctest"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// Where a user has two-factor authentication, minting uses up one-time codes and
// revoking does not. A caller that cannot wait for as many codes as its key
// takes is told what to change.
func TestOneTimeCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newBubbleDesk(t, "deribit")
		access, found := d.sim.Root("deribit", "totp")
		require.True(t, found)
		d.write("config/guarded", connectionFields("deribit", access))
		role := map[string]any{"connection": "guarded", "sub_accounts": access.SubAccounts[0], "scopes": "read"}
		d.write("roles/reader", role)
		d.write("roles/bound", merge(role, map[string]any{"ip_allowlist": "127.0.0.1"}))

		lease := d.mint("reader")
		require.Len(t, d.sim.Keys(), 1)
		require.NoError(t, d.revoke(lease), "though the present code is used up")
		require.Empty(t, d.sim.Keys())
		require.Empty(t, d.ledgerIDs())

		_, err := d.do(logical.ReadOperation, "creds/bound", nil)
		require.ErrorContains(t, err, "in the queue")
		require.ErrorContains(t, err, "max_wait to 60s")
		require.Empty(t, d.sim.Keys())
		require.Empty(t, d.ledgerIDs())
		d.secrets = append(d.secrets, access.TOTPSecret)
		d.keptSecrets()
	})
}
