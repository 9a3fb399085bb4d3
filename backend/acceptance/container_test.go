package acceptance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// container is what a container of the example does, without its image.
type container struct {
	exampleFolder
	program    *exec.Cmd
	complaints strings.Builder
}

// startContainer lays out the programs of the container, and access to Vault as its
// secrets, and starts a command with a key of the role.
func (e *engine) startContainer(t *testing.T, role string, bot ...string) *container {
	c := &container{exampleFolder: e.exampleFolder(t, []string{"with-key.sh", "container/entrypoint.sh", "container/bot.sh"})}
	require.NoError(t, os.Rename(filepath.Join(c.path, "with-key.sh"), filepath.Join(c.path, "path", "with-key.sh")))
	logical := e.client.Logical()
	id, err := logical.ReadWithContext(t.Context(), "auth/approle/role/bot/role-id")
	require.NoError(t, err)
	secret, err := logical.WriteWithContext(t.Context(), "auth/approle/role/bot/secret-id", nil)
	require.NoError(t, err)
	c.write(t, "role-id", id.Data["role_id"].(string)+"\n")
	c.write(t, "secret-id", secret.Data["secret_id"].(string)+"\n")
	c.program = c.command("", []string{"EXCHANGE_ROLE=" + role, "CREDENTIALS=" + c.path, "REASON=acceptance"}, "./entrypoint.sh", bot...)
	input, err := c.program.StdinPipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = input.Close() })
	c.program.Stderr = &c.complaints
	return c
}

// allowBots lets bots log in that may mint keys of any role.
func (e *engine) allowBots(t *testing.T) {
	sys := e.client.Sys()
	require.NoError(t, sys.EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	require.NoError(t, sys.PutPolicyWithContext(t.Context(), "bot", strings.ReplaceAll(e.published(t, "trader"), "trader-role", "+")))
	_, err := e.client.Logical().WriteWithContext(t.Context(), "auth/approle/role/bot", fields{"token_policies": "bot", "token_ttl": "1h"})
	require.NoError(t, err)
}

// A container has a key that works, of each role of bootstrap.sh, and when it is stopped
// its key ends.
func TestExampleContainer(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	e := enable(t, vaulttest.Start(t, 1))
	e.allowBots(t)
	for _, role := range e.connectAll(t) {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			c := e.startContainer(t, role, "sh", "-c", showKey)
			require.NoError(t, c.program.Start())
			k := c.shownKey(t)
			require.NotContains(t, c.read(t, "key"), "VAULT_TOKEN", "the bot has no need of it")
			require.NoError(t, k.useAs(t, e.variantOf(t, role)))
			require.Equal(t, "acceptance", e.read(t, "keys/"+k.text("key_id"))["reason"])

			require.NoError(t, c.program.Process.Signal(syscall.SIGTERM))
			var exit *exec.ExitError
			require.ErrorAs(t, c.program.Wait(), &exit)
			require.Equal(t, 128+int(syscall.SIGTERM), exit.ExitCode(), c.complaints.String())
			require.Eventually(t, func() bool { return !k.exists() }, soon, often, "the key outlives the container")
		})
	}
}

// A container ends when the lease of its key cannot be renewed.
func TestExampleContainerEnds(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	e := enableDesk(t, vaulttest.Start(t, 1))
	e.allowBots(t)
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ttl": "10s", "max_ttl": "15s"}))
	c := e.startContainer(t, trader, "./bot.sh")
	out, err := c.program.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode(), c.complaints.String())
	require.Equal(t, "EXCHANGE_API_KEY\nEXCHANGE_API_SECRET\nEXCHANGE_BASE_URL\nEXCHANGE_ROLE\nEXCHANGE_SUB_ACCOUNT\n", string(out))
	require.Contains(t, c.complaints.String(), "The lease of the key ends")
	require.Empty(t, e.simulator.Keys())

	c = e.startContainer(t, trader)
	require.ErrorAs(t, c.program.Run(), &exit)
	require.Equal(t, 2, exit.ExitCode())
	require.Contains(t, c.complaints.String(), "usage: ")
}
