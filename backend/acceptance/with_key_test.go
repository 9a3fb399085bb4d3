package acceptance_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// examples is the folder of the examples.
const examples = "../../docs/examples"

// connectAll writes the connections and roles of bootstrap.sh, and returns the names of
// the roles.
func (e *engine) connectAll(t *testing.T) []string {
	env := []string{"VAULT_ADDR=" + e.client.Address(), "VAULT_TOKEN=" + e.client.Token()}
	command(t, ".", env, "go", "run", "../../scripts/connect-simulator", "-simulator", e.simulator.ControlURL(), "-mount", e.path)
	roles := e.list(t, "roles")
	require.Greater(t, len(roles), len(e.simulator.Exchanges()))
	return roles
}

// exampleFolder is a folder with some of the examples' files, for this mount, and with
// vault, on which programs depend that run there.
type exampleFolder struct {
	path string
	e    *engine
}

// exampleFolder copies files of the examples. Each of changes is a text and what takes
// its place.
func (e *engine) exampleFolder(t *testing.T, files []string, changes ...string) exampleFolder {
	f := exampleFolder{t.TempDir(), e}
	ours := strings.NewReplacer(append([]string{
		"exchange/creds/", e.path + "/creds/", "exchange/static-creds/", e.path + "/static-creds/",
		"https://vault.example.com", e.client.Address(),
	}, changes...)...)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(examples, name))
		require.NoError(t, err)
		f.write(t, filepath.Base(name), ours.Replace(string(text)))
	}
	require.NoError(t, os.Mkdir(filepath.Join(f.path, "path"), 0o700))
	require.NoError(t, os.Symlink(e.vault.Program(), filepath.Join(f.path, "path", "vault")))
	return f
}

// write writes a file, which is a program if it says so.
func (f exampleFolder) write(t *testing.T, name, text string) {
	require.NoError(t, os.WriteFile(filepath.Join(f.path, name), []byte(text), 0o700))
}

// read reads a file.
func (f exampleFolder) read(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join(f.path, name))
	require.NoError(t, err)
	return string(text)
}

// command is a program to be run in the folder as the owner of a token, with no other
// variables that concern Vault or a key than the given ones.
func (f exampleFolder) command(token string, env []string, name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = f.path
	c.Env = []string{"VAULT_ADDR=" + f.e.client.Address(), "VAULT_TOKEN=" + token, "HOME=" + f.path}
	for _, variable := range append(os.Environ(), env...) {
		if name, _, _ := strings.Cut(variable, "="); name != "HOME" && !strings.HasPrefix(name, "EXCHANGE_") && (name != "VAULT_TOKEN" && name != "VAULT_ADDR") {
			c.Env = append(c.Env, variable)
		}
	}
	c.Env = append(c.Env, "PATH="+filepath.Join(f.path, "path")+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.WaitDelay = soon
	return c
}

// showKey is a program that shows the key in its environment, and runs until its input
// ends or it is told to end.
const showKey = `env -0 >key.new && mv key.new "key.$1" && cat`

// shownKey waits for the key that the program showed.
func (f exampleFolder) shownKey(t *testing.T, name string) *key {
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(f.path, "key."+name))
		return err == nil
	}, time.Minute, often, "the program is not given a key")
	return f.e.keyOf(t, f.read(t, "key."+name))
}

// keyOf is the key in an environment, with NUL between the variables.
func (e *engine) keyOf(t *testing.T, environment string) *key {
	data := map[string]any{}
	for variable := range strings.SplitSeq(environment, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		require.NotEqual(t, "VAULT_TOKEN", name, "the program has no need of it")
		if field, concerns := strings.CutPrefix(name, "EXCHANGE_"); concerns {
			data[strings.ToLower(field)] = value
		}
	}
	entry := e.write(t, "keys/lookup", fields{"api_key": data["api_key"]}).Data
	data["exchange"], data["key_id"] = entry["exchange"], entry["key_id"]
	return &key{&api.Secret{Data: data}, e}
}

// with-key.sh gives a program a key that works, of each role of bootstrap.sh and so of
// each type, and the key ends with the program.
func TestExampleWithKey(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	e := enable(t, vaulttest.Start(t, 1))
	for _, role := range e.connectAll(t) {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			f := e.exampleFolder(t, []string{"with-key.sh"})
			script := f.command(e.client.Token(), []string{"REASON=acceptance"}, "./with-key.sh", role, "sh", "-c", showKey, "sh", "1")
			input, err := script.StdinPipe()
			require.NoError(t, err)
			var complaints strings.Builder
			script.Stderr = &complaints
			require.NoError(t, script.Start())
			k := f.shownKey(t, "1")
			require.NoError(t, k.useAs(t, e.variantOf(t, role)))
			require.Equal(t, "acceptance", e.read(t, "keys/"+k.text("key_id"))["reason"])

			require.NoError(t, input.Close())
			require.NoError(t, script.Wait(), complaints.String())
			// Gate lets a deleted key work for a while longer.
			require.Eventually(t, func() bool { return !k.exists() }, soon, often, "the key is not deleted")
		})
	}
}

// variantOf is the exchange's variant for which a role mints.
func (e *engine) variantOf(t *testing.T, role string) string {
	connection, _ := e.read(t, "roles/"+role)["connection"].(string)
	variant, _ := e.read(t, "config/"+connection)["variant"].(string)
	return variant
}

// A program under with-key.sh goes on while its lease can be renewed, and is ended when
// it cannot.
func TestExampleWithKeyRenews(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	e := enableDesk(t, vaulttest.Start(t, 1))
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ttl": "3s"}))
	f := e.exampleFolder(t, []string{"with-key.sh"})
	script := f.command(e.client.Token(), nil, "./with-key.sh", trader, "sh", "-c", showKey, "sh", "1")
	input, err := script.StdinPipe()
	require.NoError(t, err)
	defer input.Close()
	var complaints strings.Builder
	script.Stderr = &complaints
	require.NoError(t, script.Start())
	k := f.shownKey(t, "1")
	first := k.expires(t)
	require.Eventually(t, func() bool { return k.expires(t).After(first.Add(4 * time.Second)) }, soon, often, "the lease is not renewed")
	k.works(t)

	_, err = e.client.Logical().JSONMergePatch(t.Context(), e.path+"/roles/"+trader, fields{"disabled": true})
	require.NoError(t, err)
	var exit *exec.ExitError
	require.ErrorAs(t, script.Wait(), &exit)
	require.Equal(t, 1, exit.ExitCode(), complaints.String())
	require.Contains(t, complaints.String(), "The lease of the key ends")
	k.ends(t)
}

// needCommand skips the test where a program is missing that the example needs and the
// project does not.
func needCommand(t *testing.T, name string) {
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}
