package acceptance_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// What Terraform writes as the example says is read back as it was written, so that the
// next plan shows no changes. Here it is written and read as the provider for Vault does
// it. TERRAFORM_PROVIDER_VAULT may name a folder with that provider's program: then
// Terraform itself, from the PATH, applies and plans the example.
func TestExampleTerraform(t *testing.T) {
	t.Parallel()
	e := enable(t, vaulttest.Start(t, 1))
	access := e.simulator.Exchange(bybit)
	e.write(t, "config/bybit", root(access, bybit))
	f := e.exampleFolder(t, []string{"terraform/main.tf"},
		"exchange/config/", e.path+"/config/", "exchange/roles/", e.path+"/roles/")
	for _, folder := range []string{"config", "roles"} {
		files, err := filepath.Glob(filepath.Join(examples, "terraform", folder, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		require.NoError(t, os.Mkdir(filepath.Join(f.path, folder), 0o700))
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			ours := strings.NewReplacer("53888000", access.SubAccounts[0], "203.0.113.0/24", "127.0.0.0/8", "203.0.113.7", "127.0.0.1")
			f.write(t, filepath.Join(folder, filepath.Base(file)), ours.Replace(string(text)))
		}
	}
	if provider := os.Getenv("TERRAFORM_PROVIDER_VAULT"); provider != "" {
		f.terraform(t, provider)
		return
	}
	for _, folder := range []string{"config", "roles"} {
		files, err := filepath.Glob(filepath.Join(f.path, folder, "*.json"))
		require.NoError(t, err)
		for _, file := range files {
			path := folder + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			e.keepsAsWritten(t, path, f.read(t, filepath.Join(folder, filepath.Base(file))))
		}
	}
	require.Error(t, e.drift(t, "roles/trader-role", `{"ttl": "15m"}`), "a duration in another form would look changed")
	require.NoError(t, e.drift(t, "roles/trader-role", `{"ttl": 900}`))
	k := e.key(t, e.write(t, "creds/bybit-reader", fields{"reason": "terraform", "ttl": "5m"}))
	k.works(t)
}

// keepsAsWritten proves that a path answers with the fields that were written, as they
// were written.
func (e *engine) keepsAsWritten(t *testing.T, path, written string) {
	var data fields
	require.NoError(t, json.Unmarshal([]byte(written), &data))
	e.write(t, path, data)
	require.NoError(t, e.drift(t, path, written))
}

// drift tells what a plan would show as changed: fields that are read in another form
// than they were written.
func (e *engine) drift(t *testing.T, path, written string) error {
	var data map[string]any
	require.NoError(t, json.Unmarshal([]byte(written), &data))
	was, err := json.Marshal(data)
	require.NoError(t, err)
	answer := e.read(t, path)
	for _, field := range slices.Collect(maps.Keys(data)) {
		if value, ok := answer[field]; ok {
			data[field] = value
		}
	}
	is, err := json.Marshal(data)
	require.NoError(t, err)
	if string(is) != string(was) {
		return fmt.Errorf("%s: written %s, read %s", path, was, is)
	}
	return nil
}

// terraform applies the folder with Terraform itself, uses the key that it hands out, and
// proves that nothing is left to change and no secret is in the state.
func (f exampleFolder) terraform(t *testing.T, provider string) {
	f.write(t, "terraformrc", `provider_installation {
  dev_overrides {
    "hashicorp/vault" = "`+provider+`"
  }
}
`)
	f.write(t, "report.sh", "#!/bin/sh\n"+strings.TrimSuffix(showKey, " && cat")+"\n")
	run := func(args ...string) (string, int) {
		c := f.command(f.e.client.Token(), []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(f.path, "terraformrc")}, "terraform", args...)
		out, err := c.CombinedOutput()
		if err != nil {
			require.IsType(t, &exec.ExitError{}, err)
		}
		return string(out), c.ProcessState.ExitCode()
	}
	out, code := run("fmt", "-check", "-diff", "main.tf")
	require.Zero(t, code, out)
	out, code = run("apply", "-auto-approve", "-no-color")
	require.Zero(t, code, out)
	k := f.shownKey(t)
	require.NotContains(t, f.read(t, "terraform.tfstate"), k.text("api_secret"))
	out, code = run("plan", "-detailed-exitcode", "-no-color")
	require.Zero(t, code, out)
	_, err := f.e.client.Logical().JSONMergePatch(t.Context(), f.e.path+"/roles/trader-role", fields{"ttl": 60})
	require.NoError(t, err)
	out, code = run("plan", "-detailed-exitcode", "-no-color")
	require.Equal(t, 2, code, out)
}
