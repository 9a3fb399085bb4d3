package acceptance_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

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
			script := f.command(e.client.Token(), []string{"REASON=acceptance"}, "./with-key.sh", role, "sh", "-c", showKey)
			input, err := script.StdinPipe()
			require.NoError(t, err)
			var complaints strings.Builder
			script.Stderr = &complaints
			require.NoError(t, script.Start())
			k := f.shownKey(t)
			require.NotContains(t, f.read(t, "key"), "VAULT_TOKEN", "the program has no need of it")
			require.NoError(t, k.useAs(t, e.variantOf(t, role)))
			require.Equal(t, "acceptance", e.read(t, "keys/"+k.text("key_id"))["reason"])

			require.NoError(t, input.Close())
			require.NoError(t, script.Wait(), complaints.String())
			// Gate lets a deleted key work for a while longer.
			require.Eventually(t, func() bool { return !k.exists() }, soon, often, "the key is not deleted")
		})
	}
}

// A program under with-key.sh goes on while its lease can be renewed, and is ended when
// it cannot.
func TestExampleWithKeyRenews(t *testing.T) {
	t.Parallel()
	needCommand(t, "jq")
	e := enableDesk(t, vaulttest.Start(t, 1))
	e.write(t, "roles/"+trader, e.role("read,trade:spot").with(fields{"ttl": "20s"}))
	f := e.exampleFolder(t, []string{"with-key.sh"})
	script := f.command(e.client.Token(), nil, "./with-key.sh", trader, "sh", "-c", showKey)
	input, err := script.StdinPipe()
	require.NoError(t, err)
	defer input.Close()
	var complaints strings.Builder
	script.Stderr = &complaints
	require.NoError(t, script.Start())
	k := f.shownKey(t)
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
