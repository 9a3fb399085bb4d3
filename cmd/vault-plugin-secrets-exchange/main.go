// The plugin binary. Vault starts it; nobody runs it by hand.
package main

import (
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/sdk/plugin"

	"vault-plugin-secrets-exchange/backend"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// The linker sets these, see the Makefile.
var (
	version = "v0.0.0-dev"
	commit  = ""
)

func main() {
	logger := hclog.New(&hclog.LoggerOptions{})
	go endWithParent(os.Getppid())
	if err := serve(); err != nil {
		logger.Error("the plugin stopped", "error", err)
		os.Exit(1)
	}
}

// parentCheck is how often the process checks that Vault is still there.
const parentCheck = time.Second

// endWithParent ends the process when Vault is gone. A Vault that is killed
// cannot stop its plugins, and one left running would keep the root credentials
// in memory for ever.
func endWithParent(parent int) {
	for os.Getppid() == parent {
		time.Sleep(parentCheck)
	}
	os.Exit(1)
}

// serve answers Vault until Vault ends the process. One process serves all
// mounts of the engine.
func serve() error {
	meta := &api.PluginAPIClientMeta{}
	if err := meta.FlagSet().Parse(os.Args[1:]); err != nil {
		return err
	}
	return plugin.ServeMultiplex(&plugin.ServeOpts{
		BackendFactoryFunc: backend.Factory(catalog.All(), backend.Build{Version: version, Commit: commit}),
		TLSProviderFunc:    api.VaultPluginTLSProvider(meta.GetTLSConfig()),
	})
}
