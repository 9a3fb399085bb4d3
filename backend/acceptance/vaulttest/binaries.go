package vaulttest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	// PluginName names the plugin in Vault's catalog, and its binary.
	PluginName = "vault-plugin-secrets-exchange"
	// PluginVersion is the version that the binary is built with.
	PluginVersion = "v0.0.1-acceptance"
)

// binaries are the programs under test.
type binaries struct {
	// vault is the path of the Vault server.
	vault string
	// plugins is the directory that holds nothing but the plugin.
	plugins string
	// sha256 of the plugin, in hex.
	sha256 string
}

// prepare finds Vault and builds the plugin, once for all tests of a process.
var prepare = sync.OnceValues(func() (binaries, error) {
	vault, err := findVault()
	if err != nil {
		return binaries{}, err
	}
	plugins, err := os.MkdirTemp("", PluginName)
	if err != nil {
		return binaries{}, err
	}
	digest, err := buildPlugin(filepath.Join(plugins, PluginName))
	if err != nil {
		return binaries{}, errors.Join(err, os.RemoveAll(plugins))
	}
	return binaries{vault, plugins, digest}, nil
})

// Main builds the plugin, runs the tests of a package and returns their exit
// code. Without a Vault server it runs nothing, says what to do, and fails.
func Main(m *testing.M) int {
	built, err := prepare()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vaulttest:", err)
		return 1
	}
	defer os.RemoveAll(built.plugins)
	if err := runManyAtATime(); err != nil {
		fmt.Fprintln(os.Stderr, "vaulttest:", err)
		return 1
	}
	return m.Run()
}

// testsAtATime is how many tests run in parallel. They wait for Vault most of the
// time, so that this is more than there are cores, and no more than fit into the
// memory of a small machine, with a server or three each.
const testsAtATime = 6

// runManyAtATime lets tests run in parallel however few cores there are, unless
// the flag -parallel says how many.
func runManyAtATime() error {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if said {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(testsAtATime))
}

// findVault returns the server that VAULT_BINARY names, or else the one that
// the Makefile builds.
func findVault() (string, error) {
	path := os.Getenv("VAULT_BINARY")
	if path == "" {
		module, err := exec.Command("go", "env", "GOMOD").Output()
		if err != nil {
			return "", fmt.Errorf("finding the module: %w", err)
		}
		path = filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "bin", "vault")
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("there is no Vault server (%w); build it with \"make vault\", or name one in VAULT_BINARY", err)
	}
	// A server runs in a directory of its own.
	return filepath.Abs(path)
}

// buildPlugin builds the plugin, with the race detector if the tests have it,
// and returns its SHA-256.
func buildPlugin(path string) (string, error) {
	arguments := []string{"build", "-o", path, "-ldflags", "-X main.version=" + PluginVersion}
	if raceEnabled {
		arguments = append(arguments, "-race")
	}
	output, err := exec.Command("go", append(arguments, PluginName+"/cmd/"+PluginName)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the plugin: %w\n%s", err, output)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(binary)
	return hex.EncodeToString(digest[:]), nil
}
