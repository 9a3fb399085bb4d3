package acceptance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// Two mounts with the same root credential and sub-account do not touch each
// other's keys, whatever is done on one of them.
func TestMounts(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	ours := enableDesk(t, vault)
	theirs := enableBeside(t, vault, ours.simulator)
	theirs.setUp(t)
	require.NotEqual(t, ours.read(t, "info")["label_tag"], theirs.read(t, "info")["label_tag"])

	other := theirs.mint(t, trader)
	entry := theirs.read(t, "keys/"+other.text("key_id"))
	require.Contains(t, entry["label"], theirs.read(t, "info")["label_tag"])
	unharmed := func(t *testing.T) {
		other.works(t)
		require.Equal(t, []string{other.text("key_id")}, theirs.list(t, "keys"))
	}

	t.Run("ledger", func(t *testing.T) {
		k := ours.mint(t, trader)
		require.Equal(t, []string{k.text("key_id")}, ours.list(t, "keys"))
		secret, err := ours.client.Logical().ReadWithContext(t.Context(), ours.path+"/keys/"+other.text("key_id"))
		require.NoError(t, err)
		require.Nil(t, secret)
		require.NoError(t, ours.tryDelete(t, "keys/"+other.text("key_id")))
		unharmed(t)
		k.revoke(t)
		k.gone(t)
		unharmed(t)
	})
	t.Run("prefix", func(t *testing.T) {
		k := ours.mint(t, trader)
		require.NoError(t, ours.client.Sys().RevokePrefixWithContext(t.Context(), ours.path+"/"))
		k.ends(t)
		unharmed(t)
	})
	t.Run("reconciliation", func(t *testing.T) {
		k := ours.mint(t, trader)
		found := ours.write(t, "config/"+desk+"/reconcile", fields{"dry_run": false}).Data
		require.Empty(t, found["strays"])
		require.Len(t, found["foreign"], 1)
		require.Equal(t, other.text("api_key"), found["foreign"].([]any)[0].(map[string]any)["api_key"])
		k.works(t)
		unharmed(t)
	})
	t.Run("kill switch", func(t *testing.T) {
		k := ours.mint(t, trader)
		ours.write(t, "config/"+desk+"/revoke-all", nil)
		k.ends(t)
		_, err := ours.client.Logical().DeleteWithContext(t.Context(), ours.path+"/config/"+desk+"/revoke-all")
		require.NoError(t, err)
		unharmed(t)
	})
	t.Run("end of the mount", func(t *testing.T) {
		k := ours.mint(t, trader)
		require.NoError(t, ours.client.Sys().UnmountWithContext(t.Context(), ours.path))
		require.False(t, k.exists())
		unharmed(t)
		theirs.mint(t, reader).works(t)
	})
}
