package acceptance_test

import (
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// Leases outlive the plugin's process.
func TestPlugin(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	server := vault.Servers[0]

	t.Run("version", func(t *testing.T) {
		mounts, err := e.client.Sys().ListMountsWithContext(t.Context())
		require.NoError(t, err)
		mount := mounts[e.path+"/"]
		require.NotNil(t, mount)
		require.Equal(t, vaulttest.PluginVersion, mount.RunningVersion)
		require.NotEmpty(t, mount.RunningSha256)
		require.Equal(t, vaulttest.PluginVersion, e.read(t, "info")["version"])
	})
	for name, end := range map[string]func(t *testing.T){
		"reload": func(t *testing.T) {
			_, err := e.client.Sys().ReloadPluginWithContext(t.Context(), &api.ReloadPluginInput{Plugin: vaulttest.PluginName})
			require.NoError(t, err)
		},
		"kill": e.killPlugin,
	} {
		t.Run(name, func(t *testing.T) {
			before := server.Plugins(t)
			require.Len(t, before, 1)
			e.survives(t, func() { end(t) })
			after := server.Plugins(t)
			require.Len(t, after, 1)
			require.NotEqual(t, before, after, "the process is still the same")
		})
	}
	t.Run("two kills in a row", func(t *testing.T) {
		k := e.mint(t, trader)
		e.killPlugin(t)
		k.renew(t, 0)
		e.killPlugin(t)
		k.revoke(t)
		k.gone(t)
	})
}

// killPlugin ends the plugin's process and waits until Vault has started another.
func (e *engine) killPlugin(t *testing.T) {
	e.vault.Active(t).KillPlugins(t)
	require.Eventually(t, func() bool { return e.tryRead(t, "info") == nil }, soon, often, "the plugin does not come back")
}

// survives checks that keys minted before something happened can be renewed and
// revoked after it, and that the ledger has not changed.
func (e *engine) survives(t *testing.T, something func()) {
	renewed, revoked, deleted, last := e.mint(t, trader), e.mint(t, trader), e.mint(t, reader), e.mint(t, reader)
	entry := e.ledgerEntry(t, last)

	something()

	require.Equal(t, entry, e.ledgerEntry(t, last))
	require.Len(t, e.list(t, "keys"), 4)
	for _, k := range []*key{renewed, revoked, deleted, last} {
		k.works(t)
	}
	ends := renewed.expires(t)
	require.Equal(t, 3600, renewed.renew(t, 3600))
	require.Greater(t, renewed.expires(t), ends)
	revoked.revoke(t)
	revoked.gone(t)
	require.NoError(t, e.tryDelete(t, "keys/"+deleted.text("key_id")))
	deleted.gone(t)
	last.works(t)
	e.mint(t, trader).works(t)

	require.NoError(t, e.client.Sys().RevokePrefixWithContext(t.Context(), e.path+"/"))
	for _, k := range []*key{renewed, deleted, last} {
		k.ends(t)
	}
	require.Eventually(t, func() bool { return len(e.simulator.Keys()) == 0 }, soon, often)
}

// ledgerEntry is what the ledger says of a key, but for its age.
func (e *engine) ledgerEntry(t *testing.T, k *key) map[string]any {
	entry := e.read(t, "keys/"+k.text("key_id"))
	delete(entry, "age_seconds")
	return entry
}
