// Command openapi writes docs/openapi.json, the OpenAPI document of the engine's paths,
// and docs/reference.md, which is made from it. Run it in the repository's root:
// go run ./scripts/openapi
//
// Vault's own document (sys/internal/specs/openapi) has the paths of a plugin and not
// its schemas. The plugin's has these, and knows nothing of what Vault adds: the
// envelope around an answer, the token, the errors.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/backend"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

// write writes the files of the repository at root.
func write(root string) error {
	files, err := made(context.Background())
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(filepath.Join(root, path), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// made are the files, by their paths in the repository.
func made(ctx context.Context) (map[string][]byte, error) {
	d, err := ofEngine(ctx)
	if err != nil {
		return nil, err
	}
	d.complete()
	text, err := d.json()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"docs/openapi.json": text, "docs/reference.md": []byte(d.reference())}, nil
}

// ofEngine is what the engine says of its paths.
func ofEngine(ctx context.Context) (document, error) {
	storage := &logical.InmemStorage{}
	engine, err := backend.Factory(catalog.All(), backend.Build{})(ctx, &logical.BackendConfig{
		StorageView: storage, Logger: hclog.NewNullLogger(),
		System: &logical.StaticSystemView{PluginEnvironment: &logical.PluginEnvironment{}},
	})
	if err != nil {
		return nil, err
	}
	defer engine.Cleanup(ctx)
	help, err := engine.HandleRequest(ctx, &logical.Request{
		Operation: logical.HelpOperation, Storage: storage, Data: map[string]any{"requestResponsePrefix": "exchange"},
	})
	if err != nil {
		return nil, err
	}
	return toDocument(help.Data["openapi"])
}
