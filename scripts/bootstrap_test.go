// Package scripts tests bootstrap.sh from the outside, as someone runs it who
// has just cloned the repository. It needs bin/vault, or builds it.
package scripts

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// limit is the longest that one run of bootstrap.sh may take. It is so long
// because the run may have to build Vault.
const limit = 15 * time.Minute

// bench is the place for one run of bootstrap.sh: its directory and its ports.
type bench struct {
	directory            string
	vaultPort, simulator int
}

func newBench(t *testing.T) *bench {
	b := &bench{directory: t.TempDir(), vaultPort: freePorts(t, 2), simulator: freePorts(t, 20)}
	t.Cleanup(func() { b.run(t, []string{"down"}) })
	return b
}

// freePorts returns the first of n consecutive free ports, below the ranges from
// which the system and the acceptance tests, which run at the same time, choose
// theirs: a port that is free now is needed only after a build.
func freePorts(t *testing.T, n int) int {
	for range 100 {
		first := 10_000 + rand.IntN(10_000-n)
		free := true
		for port := first; port < first+n && free; port++ {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				require.NoError(t, listener.Close())
			}
		}
		if free {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

// run runs bootstrap.sh without input, and returns everything that it printed
// and its exit code.
func (b *bench) run(t *testing.T, args []string, env ...string) (string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command := exec.CommandContext(ctx, "../bootstrap.sh", args...)
	// Ports that someone chose for their own environment must not be used here.
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "VAULT_PORT=") || strings.HasPrefix(variable, "SIMULATOR_BASE_PORT=")
	})
	// A Vault somewhere else, and its token, must not affect bootstrap.sh.
	command.Env = append(command.Env, "BOOTSTRAP_DIR="+b.directory, "VAULT_ADDR=https://vault.example", "VAULT_NAMESPACE=elsewhere", "VAULT_FORMAT=yaml")
	command.Env = append(command.Env, env...)
	command.WaitDelay = 10 * time.Second
	out, err := command.CombinedOutput()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err, "%s", out)
	}
	return string(out), command.ProcessState.ExitCode()
}

// up runs the demonstration, which must succeed.
func (b *bench) up(t *testing.T, env ...string) {
	out, code := b.run(t, nil, env...)
	require.Zero(t, code, out)
	for _, exchange := range catalog.All() {
		for _, word := range []string{"accepts", "refuses"} {
			require.Contains(t, out, fmt.Sprintf("%s at http://127.0.0.1:", exchange.Describe().Name))
			require.Contains(t, out, word+" key ")
		}
	}
	require.Contains(t, out, "The exchanges are simulated.")
	require.NotRegexp(t, `"(api_secret|passphrase|private_key)": *"[^(]`, out)
	// Some exchanges take a while.
	require.Eventually(t, func() bool { return len(b.keysAtExchanges(t)) == 0 }, 2*time.Minute, time.Second, "keys left behind")
}

func (b *bench) ports() []string {
	return []string{fmt.Sprintf("VAULT_PORT=%d", b.vaultPort), fmt.Sprintf("SIMULATOR_BASE_PORT=%d", b.simulator)}
}

// keysAtExchanges are the keys that the simulator itself lists.
func (b *bench) keysAtExchanges(t *testing.T) []any {
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/keys", b.simulator))
	require.NoError(t, err)
	defer response.Body.Close()
	var keys []any
	require.NoError(t, json.NewDecoder(response.Body).Decode(&keys))
	return keys
}

// vault is a client of the server, with the settings from the file env.
func (b *bench) vault(t *testing.T) *api.Logical {
	settings := map[string]string{}
	env, err := os.ReadFile(filepath.Join(b.directory, "env"))
	require.NoError(t, err)
	for line := range strings.Lines(string(env)) {
		name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		settings[name] = value
	}
	client, err := api.NewClient(&api.Config{Address: settings["VAULT_ADDR"]})
	require.NoError(t, err)
	client.ClearNamespace()
	client.SetToken(settings["VAULT_TOKEN"])
	return client.Logical()
}

func (b *bench) pid(t *testing.T, name string) int {
	text, err := os.ReadFile(filepath.Join(b.directory, name+".pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

// kill ends a process at once, as a power failure does, and also the processes
// that it started, which would otherwise go on.
func (b *bench) kill(t *testing.T, name string) {
	pid := b.pid(t, name)
	children := childrenOf(t, pid)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	for _, child := range children {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	requireEnd(t, pid)
}

func childrenOf(t *testing.T, parent int) []int {
	list, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	require.NoError(t, err)
	var children []int
	for line := range strings.Lines(string(list)) {
		var pid, ppid int
		_, err := fmt.Sscan(line, &pid, &ppid)
		require.NoError(t, err)
		if ppid == parent {
			children = append(children, pid)
		}
	}
	return children
}

// requireEnd waits until a process has ended and is no longer listed.
func requireEnd(t *testing.T, pid int) {
	require.Eventually(t, func() bool { return syscall.Kill(pid, 0) != nil }, 10*time.Second, 10*time.Millisecond)
}

// TestBootstrap follows one environment through its whole life.
func TestBootstrap(t *testing.T) {
	b := newBench(t)
	b.up(t, b.ports()...)
	vault, simulator := b.pid(t, "vault"), b.pid(t, "simulator")

	t.Run("nobody else may read what it keeps", func(t *testing.T) {
		require.NoError(t, filepath.WalkDir(b.directory, func(path string, entry fs.DirEntry, err error) error {
			require.NoError(t, err)
			info, err := entry.Info()
			require.NoError(t, err)
			assert.Zero(t, info.Mode().Perm()&0o077, path)
			return nil
		}))
	})

	t.Run("every exchange has its roles", func(t *testing.T) {
		roles, err := b.vault(t).List("exchange/roles")
		require.NoError(t, err)
		want := []any{"trader-role", "bybit-reader"}
		for _, exchange := range catalog.All() {
			want = append(want, exchange.Describe().Name+"-trader")
		}
		assert.Subset(t, roles.Data["keys"], want)
	})

	t.Run("again", func(t *testing.T) {
		b.up(t)
		assert.Equal(t, vault, b.pid(t, "vault"), "Vault goes on")
		assert.Equal(t, simulator, b.pid(t, "simulator"), "the simulator goes on")
	})

	t.Run("after Vault was killed", func(t *testing.T) {
		_, err := b.vault(t).Write("exchange/roles/mine", map[string]any{
			"connection": "bybit", "sub_accounts": "1", "scopes": "read",
		})
		require.NoError(t, err)
		b.kill(t, "vault")
		b.up(t)
		role, err := b.vault(t).Read("exchange/roles/mine")
		require.NoError(t, err)
		assert.NotNil(t, role, "Vault kept its storage")
	})

	t.Run("after a reboot", func(t *testing.T) {
		b.kill(t, "vault")
		b.kill(t, "simulator")
		// The system reuses process numbers.
		require.NoError(t, os.WriteFile(filepath.Join(b.directory, "vault.pid"), []byte(strconv.Itoa(os.Getpid())), 0o600))
		b.up(t)
	})

	t.Run("down", func(t *testing.T) {
		vault, simulator := b.pid(t, "vault"), b.pid(t, "simulator")
		for range 2 {
			out, code := b.run(t, []string{"down"})
			require.Zero(t, code, out)
		}
		requireEnd(t, vault)
		requireEnd(t, simulator)
	})
}

// TestBootstrapOnTakenPorts proves that the message names the setting to
// change.
func TestBootstrapOnTakenPorts(t *testing.T) {
	for name, test := range map[string]struct {
		port func(*bench) int
		says string
	}{
		"Vault's":                 {func(b *bench) int { return b.vaultPort }, "VAULT_PORT="},
		"Vault's second":          {func(b *bench) int { return b.vaultPort + 1 }, "VAULT_PORT="},
		"the simulator's":         {func(b *bench) int { return b.simulator }, "SIMULATOR_BASE_PORT="},
		"of a simulated exchange": {func(b *bench) int { return b.simulator + 1 }, "SIMULATOR_BASE_PORT"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", test.port(b)))
			require.NoError(t, err)
			defer listener.Close()
			out, code := b.run(t, nil, b.ports()...)
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, test.says)
		})
	}
}

func TestBootstrapUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		env  string
		code int
		says string
	}{
		"an unknown word":     {[]string{"sideways"}, "", 2, "Usage: ./bootstrap.sh [down]"},
		"a port in words":     {nil, "VAULT_PORT=eighty", 1, "VAULT_PORT is 'eighty'"},
		"a port out of range": {nil, "SIMULATOR_BASE_PORT=65001", 1, "SIMULATOR_BASE_PORT is '65001'"},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := newBench(t).run(t, test.args, test.env)
			assert.Equal(t, test.code, code, out)
			assert.Contains(t, out, test.says)
		})
	}
}
