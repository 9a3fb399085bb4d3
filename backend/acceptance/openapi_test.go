package acceptance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// clientModule is the module that checks the OpenAPI document and uses a client that is
// generated from it.
const clientModule = "../../scripts/openapi/client"

// TestOpenAPI proves that docs/openapi.json is valid, and that a client which is
// generated from it mints, reads and deletes a key on a real Vault.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	e := enableDesk(t, vaulttest.Start(t, 1))
	document, err := filepath.Abs("../../docs/openapi.json")
	require.NoError(t, err)
	folder := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(clientModule, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), text, 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "exchange"), 0o700))
	env := []string{"VAULT_ADDR=" + e.client.Address(), "VAULT_TOKEN=" + e.client.Token()}
	command(t, folder, nil, "go", "tool", "oapi-codegen", "-generate", "types,client", "-package", "exchange", "-o", "exchange/client.go", document)
	command(t, folder, nil, "go", "build", "-o", "client", ".")
	require.Contains(t, command(t, folder, env, filepath.Join(folder, "client"), document, e.path, trader), "minted, read and deleted key ")
}
