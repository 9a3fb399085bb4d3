package acceptance_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// Keys keep to their leases while Vault is away.
func TestRestart(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	server := vault.Servers[0]

	t.Run("in good order", func(t *testing.T) {
		e.survives(t, func() { server.Stop(t); server.Start(t) })
	})
	t.Run("after a crash", func(t *testing.T) {
		e.survives(t, func() { server.Kill(t); server.Start(t) })
	})
	t.Run("expiry meanwhile", func(t *testing.T) {
		e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ttl": "10s"})) // so that Vault can stop before
		short, long := e.mint(t, trader), e.mint(t, reader)
		end := timestamp(t, short.Data["expires_at"])
		server.Stop(t)
		require.Eventually(t, func() bool { return time.Now().After(end) }, soon, often)
		require.NoError(t, short.use(t), "nothing but Vault ends the key")
		server.Start(t)
		short.ends(t)
		long.works(t)
	})
}

// A key that was minted after the snapshot from which Vault is restored is found
// at the exchange and deleted, and none that the snapshot knows.
func TestRestoredSnapshot(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	known := e.mint(t, reader)
	var snapshot bytes.Buffer
	require.NoError(t, e.client.Sys().RaftSnapshotWithContext(t.Context(), &snapshot))
	stray := e.mint(t, trader)
	require.NoError(t, e.client.Sys().RaftSnapshotRestoreWithContext(t.Context(), &snapshot, false))
	require.Eventually(t, func() bool {
		entry, err := e.client.Logical().ReadWithContext(t.Context(), e.path+"/keys/"+stray.text("key_id"))
		return err == nil && entry == nil
	}, soon, often, "the snapshot is not restored")
	known.works(t)
	require.NoError(t, stray.use(t))

	e.write(t, "config/"+desk, fields{"frozen": "all"})
	reconcile := "config/" + desk + "/reconcile"
	found := e.write(t, reconcile, nil).Data
	require.Equal(t, true, found["dry_run"])
	require.Len(t, found["strays"], 1)
	require.Equal(t, stray.text("api_key"), found["strays"].([]any)[0].(map[string]any)["api_key"])
	require.Empty(t, found["missing"])
	refused(t, e.tryWrite(t, reconcile, fields{"dry_run": false}), http.StatusBadRequest, "frozen", desk)
	require.NoError(t, stray.use(t))

	e.write(t, "config/"+desk, fields{"frozen": "no"})
	e.write(t, reconcile, fields{"dry_run": false})
	stray.ends(t)
	known.works(t)
}
