// The plugin binary. Vault starts it; who runs it by hand is told how to install it.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/sdk/plugin"
	// A machine without certificate authorities, such as a container with nothing but the
	// plugin, trusts those that Mozilla trusts.
	_ "golang.org/x/crypto/x509roots/fallback"
)

// The linker sets these, see the Makefile.
var (
	version = "v0.0.0-dev"
	commit  = ""
)

func main() {
	if os.Getenv(plugin.HandshakeConfig.MagicCookieKey) != plugin.HandshakeConfig.MagicCookieValue {
		fmt.Fprintf(os.Stderr, byHand, version)
		os.Exit(1)
	}
	logger := hclog.New(&hclog.LoggerOptions{})
	go endWithParent(os.Getppid())
	if err := withBallast(serve); err != nil {
		logger.Error("the plugin stopped", "error", err)
		os.Exit(1)
	}
}

// byHand is said to somebody who runs the plugin, which Vault would have told by a
// variable that it is Vault.
const byHand = `vault-plugin-secrets-exchange %[1]s is a plugin that a Vault server starts. To install it, copy it to the
server's plugin_directory, and register it by its SHA-256 sum:

  vault plugin register -sha256=SUM -version=%[1]s secret vault-plugin-secrets-exchange
  vault secrets enable -path=exchange vault-plugin-secrets-exchange

docs/production.md in its repository says more.
`

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
