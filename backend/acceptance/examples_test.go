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
	f := exampleFolder{filepath.Join(t.TempDir(), "examples"), e}
	ours := strings.NewReplacer(append([]string{
		"exchange/creds/", e.path + "/creds/", "exchange/static-creds/", e.path + "/static-creds/",
		"https://vault.example.com", e.client.Address(),
	}, changes...)...)
	require.NoError(t, os.Mkdir(f.path, 0o700))
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
	c.Env = []string{"VAULT_ADDR=" + f.e.client.Address(), "HOME=" + f.path}
	if token != "" {
		c.Env = append(c.Env, "VAULT_TOKEN="+token)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if name != "HOME" && !strings.HasPrefix(name, "EXCHANGE_") && !strings.HasPrefix(name, "VAULT_") {
			c.Env = append(c.Env, variable)
		}
	}
	c.Env = append(append(c.Env, env...), "PATH="+filepath.Join(f.path, "path")+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.WaitDelay = soon
	return c
}

// showKey is a program that shows the key in its environment, and runs until its input
// ends or it is told to end.
const showKey = `env -0 >key.new && mv key.new key && cat`

// shownKey waits for the key that the program showed.
func (f exampleFolder) shownKey(t *testing.T) *key {
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(f.path, "key"))
		return err == nil
	}, time.Minute, often, "the program is not given a key")
	return f.e.keyOf(t, f.read(t, "key"))
}

// keyOf is the key in an environment, with NUL between the variables.
func (e *engine) keyOf(t *testing.T, environment string) *key {
	data := map[string]any{}
	for variable := range strings.SplitSeq(environment, "\x00") {
		name, value, _ := strings.Cut(variable, "=")
		if field, concerns := strings.CutPrefix(name, "EXCHANGE_"); concerns {
			data[strings.ToLower(field)] = value
		}
	}
	entry := e.write(t, "keys/lookup", fields{"api_key": data["api_key"]}).Data
	data["exchange"], data["key_id"] = entry["exchange"], entry["key_id"]
	return &key{&api.Secret{Data: data}, e}
}

// variantOf is the exchange's variant for which a role mints.
func (e *engine) variantOf(t *testing.T, role string) string {
	connection, _ := e.read(t, "roles/"+role)["connection"].(string)
	variant, _ := e.read(t, "config/"+connection)["variant"].(string)
	return variant
}

// needCommand skips the test where a program is missing that the example needs and the
// project does not.
func needCommand(t *testing.T, name string) {
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
}
