package vaulttest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m)) }

// Another server takes over from one that is lost, and takes it back.
func TestCluster(t *testing.T) {
	cluster := vaulttest.Start(t, 3)
	cluster.Enable(t, "exchange")
	lost := cluster.Active(t)
	require.NotEmpty(t, lost.Plugins(t))

	lost.Kill(t)
	successor := cluster.Active(t)
	require.NotEqual(t, lost.Address, successor.Address)
	info, err := successor.Client(t).Logical().ReadWithContext(t.Context(), "exchange/info")
	require.NoError(t, err)
	require.Equal(t, vaulttest.PluginVersion, info.Data["version"])

	lost.Start(t)
	require.Equal(t, successor.Address, cluster.Active(t).Address)
}
