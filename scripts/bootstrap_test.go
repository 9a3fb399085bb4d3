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
	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/all"
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
	// 3 for Vault and 21 for the simulator, so that both have room to move by one.
	first := freePorts(t, 24)
	b := &bench{directory: t.TempDir(), vaultPort: first, simulator: first + 3}
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
	require.NotRegexp(t, `"(api_secret|passphrase|private_key|token)": *"[^("]`, out)
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
	vault, venues := b.pid(t, "vault"), b.pid(t, "simulator")

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
		assert.Equal(t, venues, b.pid(t, "simulator"), "the simulator goes on")
	})

	t.Run("after Vault was killed", func(t *testing.T) {
		_, err := b.vault(t).Write("exchange/roles/mine", map[string]any{
			"connection": "bybit", "sub_accounts": "1", "scopes": "read", "verify": false,
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

	// They leave keys behind.
	t.Run("the pages' commands", func(t *testing.T) { followPages(t, filepath.Join(b.directory, "env")) })

	t.Run("down", func(t *testing.T) {
		vault, venues := b.pid(t, "vault"), b.pid(t, "simulator")
		for range 2 {
			out, code := b.run(t, []string{"down"})
			require.Zero(t, code, out)
		}
		requireEnd(t, vault)
		requireEnd(t, venues)
	})
}

// portUser is a program that needs a port, as bootstrap.sh names it, and the variable
// that the port follows from.
type portUser struct{ name, variable string }

func (u portUser) String() string { return u.name + " (" + u.variable + ")" }

// portUsers are those of a bench, by port.
func (b *bench) portUsers() map[int]portUser {
	users := map[int]portUser{
		b.vaultPort:     {"Vault", "VAULT_PORT"},
		b.vaultPort + 1: {"Vault's cluster", "VAULT_PORT"},
		b.simulator:     {"the simulator's control API", "SIMULATOR_BASE_PORT"},
	}
	for i, exchange := range simulator.New(simulator.Options{}, all.Venues()...).Exchanges() {
		users[b.simulator+1+i] = portUser{"the simulated " + exchange, "SIMULATOR_BASE_PORT"}
	}
	return users
}

// occupy listens on a port until the test ends.
func occupy(t *testing.T, port int) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
}

// pretend starts a process that bootstrap.sh takes for one that it has started, and
// that listens on the ports.
func (b *bench) pretend(t *testing.T, name string, ports ...int) *os.Process {
	command := exec.Command("sh", "-c", "read line", b.directory)
	_, err := command.StdinPipe() // It ends with the test at the latest.
	require.NoError(t, err)
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	for _, port := range ports {
		occupy(t, port)
	}
	b.keep(t, name+".pid", strconv.Itoa(command.Process.Pid))
	return command.Process
}

// pretendAll lets bootstrap.sh believe that the demonstration runs.
func (b *bench) pretendAll(t *testing.T) (vault, venues *os.Process) {
	b.keep(t, "ports", fmt.Sprintln(b.vaultPort, b.simulator))
	b.keep(t, "vault.hcl", fmt.Sprintf("  address         = \"127.0.0.1:%d\"\n  cluster_address = \"127.0.0.1:%d\"\n", b.vaultPort, b.vaultPort+1))
	log, ports := "", []int{}
	for port, user := range b.portUsers() {
		if user.variable == "SIMULATOR_BASE_PORT" {
			log += fmt.Sprintf("somebody http://127.0.0.1:%d\n", port)
			ports = append(ports, port)
		}
	}
	b.keep(t, "simulator.log", log)
	return b.pretend(t, "vault", b.vaultPort, b.vaultPort+1), b.pretend(t, "simulator", ports...)
}

// keep writes a file into the bench's directory.
func (b *bench) keep(t *testing.T, name, content string) {
	require.NoError(t, os.WriteFile(filepath.Join(b.directory, name), []byte(content), 0o600))
}

// kept are the files in the bench's directory, with what they hold.
func (b *bench) kept(t *testing.T) map[string]string {
	files := map[string]string{}
	found, err := os.ReadDir(b.directory)
	require.NoError(t, err)
	for _, file := range found {
		files[file.Name()] = read(t, filepath.Join(b.directory, file.Name()))
	}
	return files
}

// withoutBuilding makes bootstrap.sh fail when it begins to build, which is after it
// has looked at its ports.
func withoutBuilding(t *testing.T) string {
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, "go"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	return "PATH=" + directory + string(os.PathListSeparator) + os.Getenv("PATH")
}

// TestBootstrapOnTakenPorts proves that a port which somebody else has is noticed
// before anything is done, and that the message names it, its user and what to
// change.
func TestBootstrapOnTakenPorts(t *testing.T) {
	b := newBench(t)
	for port, user := range b.portUsers() {
		t.Run(user.name, func(t *testing.T) {
			occupy(t, port)
			out, code := b.run(t, nil, b.ports()...)
			assert.Equal(t, 1, code, out)
			assert.Contains(t, out, fmt.Sprintf("Port %d, meant for %s, is in use by another program.", port, user))
			assert.Contains(t, out, user.variable+"=")
			assert.Empty(t, b.kept(t))
		})
	}
}

// TestBootstrapPortsThatMeet proves that Vault and the simulator cannot be given the
// same port, and that trying leaves a running demonstration alone.
func TestBootstrapPortsThatMeet(t *testing.T) {
	b := newBench(t)
	vault, venues := b.pretendAll(t)
	before := b.kept(t)
	refused := func(t *testing.T, port, vaultPort int, first, second portUser) {
		out, code := b.run(t, nil, fmt.Sprintf("VAULT_PORT=%d", vaultPort))
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, fmt.Sprintf("Port %d would be taken by both %s and %s.", port, first, second))
		assert.Equal(t, before, b.kept(t))
		assert.NoError(t, vault.Signal(syscall.Signal(0)), "Vault goes on")
		assert.NoError(t, venues.Signal(syscall.Signal(0)), "the simulator goes on")
	}
	for port, user := range b.portUsers() {
		if user.variable == "SIMULATOR_BASE_PORT" {
			t.Run(user.name, func(t *testing.T) { refused(t, port, port, portUser{"Vault", "VAULT_PORT"}, user) })
		}
	}
	t.Run("Vault's cluster", func(t *testing.T) {
		refused(t, b.simulator, b.simulator-1, portUser{"Vault's cluster", "VAULT_PORT"}, b.portUsers()[b.simulator])
	})
}

// TestBootstrapOnItsOwnPorts proves that the ports of a running demonstration are
// its own, to stay on or to move away from.
func TestBootstrapOnItsOwnPorts(t *testing.T) {
	for name, shift := range map[string]int{"the same": 0, "shifted by one": 1} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.pretendAll(t)
			b.vaultPort += shift
			b.simulator += shift
			out, _ := b.run(t, nil, append(b.ports(), withoutBuilding(t))...)
			assert.Contains(t, out, "== Building")
		})
	}
	t.Run("another one's", func(t *testing.T) {
		running, b := newBench(t), newBench(t)
		running.pretendAll(t)
		b.vaultPort = running.vaultPort
		out, code := b.run(t, nil, b.ports()...)
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, fmt.Sprintf("Port %d, meant for Vault (VAULT_PORT), is in use by another program.", b.vaultPort))
	})
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
