package vaulttest

import (
	"encoding/json"
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
	configuration, err := json.Marshal(map[string]any{
		"vault": map[string]any{"address": c.Active(t).Address},
		"auto_auth": map[string]any{"method": map[string]any{
			"type": "token_file", "config": map[string]any{"token_file_path": at("token")},
		}},
		"template":  []any{map[string]any{"source": at("template"), "destination": rendered, "perms": "0600"}},
		"log_level": "debug",
	})
	require.NoError(t, err)
	for name, content := range map[string]string{"token": token, "template": template, "agent.json": string(configuration)} {
		require.NoError(t, os.WriteFile(at(name), []byte(content), 0o600))
	}
	agent, err := startProcess(c.life, directory, at("agent.log"), nil, c.binaries.vault, "agent", "-config="+at("agent.json"))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, kill(agent.pid))
		<-agent.exited
	})
	return rendered
}
