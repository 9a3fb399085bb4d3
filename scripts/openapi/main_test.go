package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFilesAreUpToDate fails if the files differ from what the engine says of itself.
func TestFilesAreUpToDate(t *testing.T) {
	files, err := made(t.Context())
	require.NoError(t, err)
	for path, text := range files {
		kept, err := os.ReadFile(filepath.Join("..", "..", path))
		require.NoError(t, err)
		if string(kept) != string(text) {
			t.Errorf("%s is stale; run make openapi", path)
		}
	}
}

// TestWhatVaultAdds proves that the document says what the engine itself does not know.
func TestWhatVaultAdds(t *testing.T) {
	d, err := ofEngine(t.Context())
	require.NoError(t, err)
	d.complete()
	root := node(d)
	for path := range at(root, "paths") {
		for _, method := range methods() {
			operation := at(root, "paths", path, method)
			if operation == nil {
				continue
			}
			for _, status := range []string{"400", "403", "404"} {
				assert.Equal(t, "#/components/responses/Refused", at(operation, "responses", status)["$ref"], "%s %s", method, path)
			}
			for status, response := range at(operation, "responses") {
				if content := at(response.(node), "content"); status == "200" {
					assert.NotEmpty(t, content, "%s %s", method, path)
				} else {
					assert.Empty(t, content, "%s %s %s", method, path, status)
				}
			}
		}
	}
	assert.Equal(t, "string", at(root, "paths", "/metrics", "get", "responses", "200", "content", "text/plain", "schema")["type"])
	role := at(root, "components", "schemas", "ExchangeWriteRoleRequest")
	assert.Equal(t, "integer", at(role, "properties", "ttl")["type"])
	assert.Equal(t, []string{"read", "trade:spot"}, at(role, "example")["scopes"])
	assert.Equal(t, 3600, at(role, "example")["ttl"])
	key := at(root, "components", "schemas", "ExchangeReadKeyData", "properties")
	for field, values := range map[string][]string{
		"state": {"pending", "live", "revoking"}, "risk": {"minimal", "moderate", "critical"},
		"key_type": {"hmac", "ed25519", "rsa", "secp256k1", "bearer"},
	} {
		assert.Equal(t, values, at(key, field)["enum"], field)
	}
	assert.Contains(t, at(root, "components", "schemas", "ExchangeWriteConnectionRequest", "properties", "exchange")["enum"], "bybit")
}
