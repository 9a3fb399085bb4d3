package scripts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// awkward is a value of which a shell would take every character for its own.
const awkward = `$(id) "it's" \n 'x' ` + "`id` #;&*"

const privateKey = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA+/=\n-----END PRIVATE KEY-----\n"

// answeredKeys are what creds/ answers for each kind of key, and as what its parts
// must reach a program.
var answeredKeys = map[string]struct {
	keyType exchanges.KeyType
	answer  map[string]any
	env     map[string]string
}{
	"hmac": {
		exchanges.KeyHMAC, map[string]any{"api_key": "K1", "api_secret": awkward},
		map[string]string{"EXCHANGE_API_KEY": "K1", "EXCHANGE_API_SECRET": awkward},
	},
	"hmac with a passphrase": {
		exchanges.KeyHMAC, map[string]any{"api_key": "K2", "api_secret": "S2", "passphrase": awkward},
		map[string]string{"EXCHANGE_API_KEY": "K2", "EXCHANGE_API_SECRET": "S2", "EXCHANGE_PASSPHRASE": awkward},
	},
	"ed25519": {
		exchanges.KeyEd25519, map[string]any{"api_key": "K3", "private_key": privateKey},
		map[string]string{"EXCHANGE_API_KEY": "K3", "EXCHANGE_PRIVATE_KEY": privateKey},
	},
	"rsa with a passphrase": {
		exchanges.KeyRSA, map[string]any{"api_key": "K4", "private_key": privateKey, "passphrase": "P4"},
		map[string]string{"EXCHANGE_API_KEY": "K4", "EXCHANGE_PRIVATE_KEY": privateKey, "EXCHANGE_PASSPHRASE": "P4"},
	},
	"wallet": {
		exchanges.KeySecp256k1, map[string]any{"api_key": "0xK5", "private_key": "0x5f"},
		map[string]string{"EXCHANGE_API_KEY": "0xK5", "EXCHANGE_PRIVATE_KEY": "0x5f"},
	},
	"bearer": {
		exchanges.KeyBearer, map[string]any{"api_key": "K6", "token": "pub:api:T6"},
		map[string]string{"EXCHANGE_API_KEY": "K6", "EXCHANGE_TOKEN": "pub:api:T6"},
	},
}

// eachAnsweredKey runs a test with each of them, completed by what every key has.
func eachAnsweredKey(t *testing.T, test func(t *testing.T, answer map[string]any, env map[string]string)) {
	tested := map[exchanges.KeyType]bool{}
	for name, key := range answeredKeys {
		tested[key.keyType] = true
		answer, env := maps.Clone(key.answer), maps.Clone(key.env)
		answer["base_url"], env["EXCHANGE_BASE_URL"] = "https://exchange.example/?a=b&c", "https://exchange.example/?a=b&c"
		answer["sub_account"], env["EXCHANGE_SUB_ACCOUNT"] = "53888000", "53888000"
		answer["key_type"], answer["scopes"], answer["ready"] = string(key.keyType), []string{"read"}, true
		for _, part := range []string{"api_secret", "passphrase", "private_key", "token"} {
			if answer[part] == nil {
				answer[part] = ""
			}
		}
		t.Run(name, func(t *testing.T) { test(t, answer, env) })
	}
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			for _, keyType := range variant.KeyTypes {
				assert.True(t, tested[keyType], "%s has keys of type %s, which are not tested", exchange.Describe().Name, keyType)
			}
		}
	}
}

// needCommand skips the test where a program is missing that the example needs and
// the project does not.
func needCommand(t *testing.T, name string) {
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}

// keylessEnviron is the environment without what concerns a key.
func keylessEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "EXCHANGE_") })
}

// exchangeVariables are those of an environment, so printed, that concern a key.
func exchangeVariables(printed string) map[string]string {
	found := map[string]string{}
	for variable := range strings.SplitSeq(printed, "\x00") {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "EXCHANGE_") {
			found[name] = value
		}
	}
	return found
}

// stubVault is a vault command that answers with a key, whose lease it does not renew,
// and notes what it was asked.
type stubVault struct{ directory string }

func newStubVault(t *testing.T, answer map[string]any) stubVault {
	return newStubLease(t, answer, time.Hour)
}

// newStubLease is newStubVault with a lease of that length.
func newStubLease(t *testing.T, answer map[string]any, lease time.Duration) stubVault {
	s := stubVault{t.TempDir()}
	text, err := json.Marshal(map[string]any{
		"lease_id": "exchange/creds/desk/L1", "lease_duration": int(lease.Seconds()), "renewable": true, "data": answer,
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.directory, "answer"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(s.directory, "vault"), []byte(`#!/bin/sh
printf '%s\n' "$*" >>"${0%/*}/asked"
case "$1 $2" in
"lease renew") exit 2 ;;
write* | read*) cat "${0%/*}/answer" ;;
esac
`), 0o700))
	return s
}

// asked are the commands so far.
func (s stubVault) asked(t *testing.T) []string {
	return strings.Split(strings.TrimSpace(read(t, filepath.Join(s.directory, "asked"))), "\n")
}

// withKey runs with-key.sh.
func (s stubVault) withKey(args ...string) (stdout, stderr string, code int) {
	command := s.command(args...)
	var out, failures bytes.Buffer
	command.Stdout, command.Stderr = &out, &failures
	_ = command.Run()
	return out.String(), failures.String(), command.ProcessState.ExitCode()
}

// command is with-key.sh, to be run.
func (s stubVault) command(args ...string) *exec.Cmd {
	command := exec.Command("../docs/examples/with-key.sh", args...)
	// A key that the caller has is none of the command's.
	command.Env = append(keylessEnviron(), "PATH="+s.directory+string(os.PathListSeparator)+os.Getenv("PATH"), "HOSTNAME=host1",
		"EXCHANGE_API_SECRET=stale", "EXCHANGE_PASSPHRASE=stale", "EXCHANGE_PRIVATE_KEY=stale", "EXCHANGE_TOKEN=stale",
		"VAULT_TOKEN=hvs.stub")
	return command
}

// TestExampleWithKey proves that with-key.sh hands all parts of a key of any type to
// its command, and revokes the key afterwards.
func TestExampleWithKey(t *testing.T) {
	needCommand(t, "jq")
	eachAnsweredKey(t, func(t *testing.T, answer map[string]any, env map[string]string) {
		vault := newStubVault(t, answer)
		stdout, stderr, code := vault.withKey("desk", "env", "-0")
		require.Zero(t, code, stderr)
		assert.Equal(t, env, exchangeVariables(stdout))
		assert.Equal(t, []string{
			"write -format=json exchange/creds/desk reason=with-key.sh on host1",
			"lease revoke -sync exchange/creds/desk/L1",
		}, vault.asked(t))
	})
	t.Run("the command fails", func(t *testing.T) {
		vault := newStubVault(t, map[string]any{"api_key": "K"})
		_, _, code := vault.withKey("desk", "sh", "-c", "exit 7")
		assert.Equal(t, 7, code)
		assert.Len(t, vault.asked(t), 2, "the key is revoked all the same")
	})
	t.Run("the command is given its input, and no token", func(t *testing.T) {
		vault := newStubVault(t, map[string]any{"api_key": "K"})
		command := vault.command("desk", "sh", "-c", `cat; echo "${VAULT_TOKEN-none}"`)
		command.Env = append(command.Env, "REASON=DESK-1234")
		command.Stdin = strings.NewReader("orders\n")
		out, err := command.Output()
		require.NoError(t, err)
		assert.Equal(t, "orders\nnone\n", string(out))
		assert.Equal(t, "write -format=json exchange/creds/desk reason=DESK-1234", vault.asked(t)[0])
	})
}

// TestExampleWithKeyEnds proves that no command goes on with a key that ends, and that
// the key ends with the command however that ends.
func TestExampleWithKeyEnds(t *testing.T) {
	needCommand(t, "jq")
	t.Run("the lease cannot be renewed", func(t *testing.T) {
		vault := newStubLease(t, map[string]any{"api_key": "K"}, 3*time.Second)
		stdout, stderr, code := vault.withKey("desk", "sh", "-c", `trap 'echo "withdrawing orders"; exit 0' TERM; sleep 60 >/dev/null 2>&1 & wait`)
		assert.Equal(t, "withdrawing orders\n", stdout)
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, "The lease of the key ends")
		assert.Equal(t, []string{"lease renew -format=json exchange/creds/desk/L1", "lease revoke -sync exchange/creds/desk/L1"}, vault.asked(t)[1:])
	})
	t.Run("the script is ended", func(t *testing.T) {
		vault := newStubVault(t, map[string]any{"api_key": "K"})
		command := vault.command("desk", "sh", "-c", `trap 'exit 3' TERM; echo ready; sleep 60 >/dev/null 2>&1 & wait`)
		out, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, command.Process.Signal(syscall.SIGTERM))
		_ = command.Wait()
		assert.Equal(t, 3, command.ProcessState.ExitCode())
		assert.Equal(t, "lease revoke -sync exchange/creds/desk/L1", vault.asked(t)[1])
	})
}

func TestExampleWithKeyUsage(t *testing.T) {
	for name, args := range map[string][]string{"nothing": nil, "no command": {"desk"}} {
		t.Run(name, func(t *testing.T) {
			vault := newStubVault(t, nil)
			_, stderr, code := vault.withKey(args...)
			assert.Equal(t, 2, code)
			assert.Equal(t, "usage: with-key.sh ROLE COMMAND [ARGUMENT...]\n", stderr)
			assert.NoFileExists(t, filepath.Join(vault.directory, "asked"), "no key was minted")
		})
	}
}

// TestExampleAgentTemplate proves that all parts of a key of any type reach a program
// through the file that Vault Agent writes. The template is one of Go's, and the
// functions are those of Vault Agent that it uses.
func TestExampleAgentTemplate(t *testing.T) {
	eachAnsweredKey(t, func(t *testing.T, answer map[string]any, env map[string]string) {
		var file bytes.Buffer
		source, err := template.New("key.env").Funcs(template.FuncMap{
			"secret":     func(string) any { return struct{ Data map[string]any }{answer} },
			"replaceAll": func(from, to, text string) string { return strings.ReplaceAll(text, from, to) },
		}).Parse(read(t, "../docs/examples/vault-agent/key.env.tpl"))
		require.NoError(t, err)
		require.NoError(t, source.Execute(&file, nil))

		path := filepath.Join(t.TempDir(), "key.env")
		require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
		shell := exec.Command("sh", "-c", `set -aeu; . "$0"; env -0`, path)
		shell.Env = keylessEnviron()
		stdout, err := shell.Output()
		require.NoError(t, err, file.String())
		assert.Equal(t, env, exchangeVariables(string(stdout)), file.String())
	})
}

// The tests of the examples. Acceptance runs them on a real Vault server, scripts
// without one, and schemas checks them against what the programs accept that read them.
const (
	acceptance = "../backend/acceptance"
	here       = "."
	schemas    = "examples"
)

// exampleTests are the tests of each file of the examples, by the package that has them.
var exampleTests = map[string]map[string]string{
	"README.md":                              {here: "TestEveryExampleIsTested"},
	"with-key.sh":                            {here: "TestExampleWithKeyEnds", acceptance: "TestExampleWithKey"},
	"trust-ci.sh":                            {acceptance: "TestExampleCI"},
	"github-actions.yml":                     {acceptance: "TestExampleCI", schemas: "TestGitHubActions"},
	"github-actions-vault-action.yml":        {acceptance: "TestExampleCI", schemas: "TestGitHubActions"},
	"gitlab-ci.yml":                          {acceptance: "TestExampleCI", schemas: "TestGitLab"},
	"vault-agent/agent.hcl":                  {acceptance: "TestBotUnderVaultAgent"},
	"vault-agent/key.env.tpl":                {acceptance: "TestBotUnderVaultAgent", here: "TestExampleAgentTemplate"},
	"vault-agent/supervise.sh":               {acceptance: "TestBotUnderVaultAgent"},
	"vault-agent/exchange-bot.service":       {here: "TestExampleUnit"},
	"kubernetes/vault-secrets-operator.yaml": {acceptance: "TestExampleKubernetes", schemas: "TestKubernetes"},
	"kubernetes/external-secrets.yaml":       {acceptance: "TestExampleKubernetes", schemas: "TestKubernetes"},
	"container/entrypoint.sh":                {acceptance: "TestExampleContainer"},
	"container/bot.sh":                       {acceptance: "TestExampleContainerEnds"},
	"container/Dockerfile":                   {here: "TestExampleDockerfile"},
	"terraform/main.tf":                      {acceptance: "TestExampleTerraform", schemas: "TestTerraform"},
	"terraform/config/bybit.json":            {acceptance: "TestExampleTerraform"},
	"terraform/roles/bybit-reader.json":      {acceptance: "TestExampleTerraform"},
	"terraform/roles/trader-role.json":       {acceptance: "TestExampleTerraform"},
}

// TestEveryExampleIsTested proves that each file of the examples has a test, and a
// place in their index.
func TestEveryExampleIsTested(t *testing.T) {
	const folder = "../docs/examples"
	index := read(t, filepath.Join(folder, "README.md"))
	found := map[string]bool{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		if entry.IsDir() {
			return nil
		}
		name, err := filepath.Rel(folder, path)
		require.NoError(t, err)
		found[name] = true
		assert.NotEmpty(t, exampleTests[name], "%s has no test", name)
		top, _, _ := strings.Cut(name, "/")
		assert.True(t, name == "README.md" || strings.Contains(index, "("+name+")") || strings.Contains(index, "("+top+")"), "the index lacks %s", name)
		return nil
	}))
	for name, tests := range exampleTests {
		assert.True(t, found[name], "there is no example %s", name)
		for folder, test := range tests {
			sources, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
			require.NoError(t, err)
			assert.True(t, slices.ContainsFunc(sources, func(source string) bool {
				return strings.Contains(read(t, source), "func "+test+"(t *testing.T)")
			}), "%s has no %s", folder, test)
		}
	}
}

// TestExamplesFitSchemas proves that the programs for which the examples are meant would
// take them.
func TestExamplesFitSchemas(t *testing.T) {
	command := exec.Command("go", "test", "-count", "1", "./...")
	command.Dir = schemas
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestExampleUnit proves that systemd accepts the unit, where it is installed, and that
// the unit starts what the example has.
func TestExampleUnit(t *testing.T) {
	const unit = "../docs/examples/vault-agent/exchange-bot.service"
	text := read(t, unit)
	for _, line := range []string{"ExecStart=/etc/exchange-bot/supervise.sh /usr/local/bin/bot", "KillMode=control-group", "Restart=always"} {
		assert.Contains(t, text, "\n"+line+"\n")
	}
	needCommand(t, "systemd-analyze")
	// It looks for the program.
	path := filepath.Join(t.TempDir(), filepath.Base(unit))
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "/etc/exchange-bot/supervise.sh", "/bin/sh")), 0o600))
	out, err := exec.Command("systemd-analyze", "verify", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.NotContains(t, string(out), filepath.Base(unit)+":")
}

// TestExampleDockerfile proves that the image would hold the files of the examples that
// its entry point needs, and start that. Nobody builds the image here.
func TestExampleDockerfile(t *testing.T) {
	const folder = "../docs/examples"
	copied := map[string]bool{}
	var started []string
	for line := range strings.Lines(read(t, filepath.Join(folder, "container/Dockerfile"))) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "COPY":
			sources, target := words[1:len(words)-1], words[len(words)-1]
			if strings.HasPrefix(sources[0], "--from=") {
				copied[target] = true
				continue
			}
			for _, source := range sources {
				info, err := os.Stat(filepath.Join(folder, source))
				require.NoError(t, err)
				assert.NotZero(t, info.Mode().Perm()&0o100, "%s is not executable", source)
				if strings.HasSuffix(target, "/") {
					source = target + filepath.Base(source)
				} else {
					source = target
				}
				copied[source] = true
			}
		case "ENTRYPOINT", "CMD":
			var command []string
			require.NoError(t, json.Unmarshal([]byte(strings.Join(words[1:], " ")), &command), line)
			started = append(started, command...)
		}
	}
	for _, program := range append(started, "/usr/local/bin/vault", "/usr/local/bin/with-key.sh") {
		assert.True(t, copied[program], "the image lacks %s", program)
	}
	assert.Len(t, started, 2)
}
