package vaulttest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Agent starts a Vault Agent with the token, which renders the template into a file as
// often as it changes, and returns the path of that file. The agent ends with the test.
func (c *Cluster) Agent(t *testing.T, token, template string) (rendered string) {
	directory := t.TempDir()
	at := func(name string) string { return filepath.Join(directory, name) }
	rendered = at("rendered")
	configuration := fmt.Sprintf(`
vault {
  address = %q
}
auto_auth {
  method "token_file" {
    config = { token_file_path = %q }
  }
}
template {
  source      = %q
  destination = %q
  perms       = "0600"
}
log_level = "debug"
`, c.Active(t).Address, at("token"), at("template"), rendered)
	for name, content := range map[string]string{"token": token, "template": template, "agent.hcl": configuration} {
		require.NoError(t, os.WriteFile(at(name), []byte(content), 0o600))
	}
	agent, err := startProcess(c.life, directory, at("agent.log"), nil, c.binaries.vault, "agent", "-config="+at("agent.hcl"))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, kill(agent.pid))
		<-agent.exited
		if log, err := os.ReadFile(at("agent.log")); err == nil && t.Failed() {
			t.Logf("the agent's log:\n%s", log)
		}
	})
	return rendered
}
