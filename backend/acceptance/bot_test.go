package acceptance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// agentExample is the folder with which a bot is kept supplied with a key.
const agentExample = "../../docs/examples/vault-agent"

// TestBotUnderVaultAgent proves with a real Vault Agent that a bot gets its key, is
// started anew with the next one, and ends when there is none.
func TestBotUnderVaultAgent(t *testing.T) {
	t.Parallel()
	vault := vaulttest.Start(t, 1)
	e := enableDesk(t, vault)
	_, err := e.client.Logical().JSONMergePatch(t.Context(), e.path+"/roles/"+trader, fields{"ttl": "15s"})
	require.NoError(t, err)
	b := &agentBot{folder: t.TempDir(), e: e}
	b.settle(t, vault)
	b.start(t)

	b.awaitKeys(t, 1)
	first := b.keys(t)[0]
	lease := e.leaseOf(t, first)
	require.NoError(t, e.tryRevoke(t, lease))
	b.awaitKeys(t, 2)
	require.NotEqual(t, first, b.keys(t)[1], "the bot was started with the new key")

	_, err = e.client.Logical().JSONMergePatch(t.Context(), e.path+"/roles/"+trader, fields{"disabled": true})
	require.NoError(t, err)
	pid := b.pid(t)
	select {
	case err := <-b.ended:
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, 1, exit.ExitCode())
	case <-time.After(time.Minute):
		require.Fail(t, "the bot goes on without a key")
	}
	assert.Error(t, syscall.Kill(pid, 0), "the bot has ended")
	assert.NoFileExists(t, filepath.Join(b.folder, "key.env"))
}

// agentBot is a program that is supervised as the example says.
type agentBot struct {
	folder string
	e      *engine
	ended  chan error
}

// settle lays out the example's folder with access to Vault.
func (b *agentBot) settle(t *testing.T, vault *vaulttest.Cluster) {
	sys := b.e.client.Sys()
	require.NoError(t, sys.EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}))
	require.NoError(t, sys.PutPolicyWithContext(t.Context(), "bot", `path "`+b.e.path+`/creds/trader" { capabilities = ["read"] }`))
	logical := b.e.client.Logical()
	_, err := logical.WriteWithContext(t.Context(), "auth/approle/role/bot", fields{"token_policies": "bot", "token_ttl": "1h"})
	require.NoError(t, err)
	role, err := logical.ReadWithContext(t.Context(), "auth/approle/role/bot/role-id")
	require.NoError(t, err)
	secret, err := logical.WriteWithContext(t.Context(), "auth/approle/role/bot/secret-id", nil)
	require.NoError(t, err)

	b.write(t, "role-id", role.Data["role_id"].(string))
	b.write(t, "secret-id", secret.Data["secret_id"].(string))
	ours := strings.NewReplacer("http://127.0.0.1:8200", b.e.client.Address(), "exchange/creds/trader-role", b.e.path+"/creds/trader")
	for _, name := range []string{"agent.hcl", "key.env.tpl", "supervise.sh"} {
		text, err := os.ReadFile(filepath.Join(agentExample, name))
		require.NoError(t, err)
		b.write(t, name, ours.Replace(string(text)))
	}
	b.write(t, "bot", "#!/bin/sh\necho $$ >bot.pid\necho \"$EXCHANGE_API_KEY\" >>keys\nexec sleep 600\n")
	require.NoError(t, os.Mkdir(filepath.Join(b.folder, "path"), 0o700))
	require.NoError(t, os.Symlink(vault.Program(), filepath.Join(b.folder, "path", "vault")))
}

func (b *agentBot) write(t *testing.T, name, text string) {
	require.NoError(t, os.WriteFile(filepath.Join(b.folder, name), []byte(text), 0o700))
}

// start starts the supervisor, and ends it with the test.
func (b *agentBot) start(t *testing.T) {
	// With nohup, as it is run by hand, no process of it can be told anything by HUP.
	supervisor := exec.Command("nohup", filepath.Join(b.folder, "supervise.sh"), "./bot")
	supervisor.Env = append(os.Environ(), "PATH="+filepath.Join(b.folder, "path")+":"+os.Getenv("PATH"))
	log, err := os.Create(filepath.Join(b.folder, "log"))
	require.NoError(t, err)
	supervisor.Stdout, supervisor.Stderr = log, log
	supervisor.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, supervisor.Start())
	b.ended = make(chan error, 1)
	over := make(chan struct{})
	go func() {
		b.ended <- supervisor.Wait()
		close(over)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-supervisor.Process.Pid, syscall.SIGKILL)
		<-over
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s", text)
		}
	})
}

// keys are those with which the bot was started so far.
func (b *agentBot) keys(t *testing.T) []string {
	text, err := os.ReadFile(filepath.Join(b.folder, "keys"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	return strings.Fields(string(text))
}

func (b *agentBot) awaitKeys(t *testing.T, n int) {
	require.Eventually(t, func() bool { return len(b.keys(t)) >= n }, time.Minute, often, "the bot was not started with %d keys", n)
}

func (b *agentBot) pid(t *testing.T) int {
	text, err := os.ReadFile(filepath.Join(b.folder, "bot.pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

// leaseOf is the lease of a key that somebody else has read.
func (e *engine) leaseOf(t *testing.T, apiKey string) string {
	found := e.write(t, "keys/lookup", fields{"api_key": apiKey})
	require.Equal(t, "live", found.Data["state"])
	leases, err := e.client.Logical().ListWithContext(t.Context(), "sys/leases/lookup/"+e.path+"/creds/"+trader)
	require.NoError(t, err)
	require.NotNil(t, leases)
	names := leases.Data["keys"].([]any)
	require.Len(t, names, 1)
	return e.path + "/creds/" + trader + "/" + names[0].(string)
}
