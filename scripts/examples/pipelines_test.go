package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// folder is that of the examples.
const folder = "../../docs/examples"

func read(t *testing.T, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return string(text)
}

func schema(t *testing.T, name string) map[string]any {
	var read map[string]any
	require.NoError(t, load(filepath.Join("testdata", name), &read))
	return read
}

func TestGitHubActions(t *testing.T) {
	var vaultAction action
	require.NoError(t, load("testdata/vault-action.json", &vaultAction))
	require.NotEmpty(t, vaultAction.Inputs)
	known := map[string]action{"hashicorp/vault-action": vaultAction}
	workflow := func(text string) error {
		found, err := documents([]byte(text))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return checkWorkflow(schema(t, "github-workflow.json"), known, found[0])
	}
	for _, name := range []string{"github-actions.yml", "github-actions-vault-action.yml"} {
		require.NoError(t, workflow(read(t, name)), name)
	}
	text := read(t, "github-actions-vault-action.yml")
	for change, to := range map[string]string{
		"runs-on:": "runs_on:", "jwtGithubAudience:": "audience:", "url:": "address:",
		"@4c06c5ccf5c0761b6029f56cfb1dcf5565918a3b": "@v3", "timeout-minutes: 10": "timeout-minutes: [10]",
	} {
		changed := strings.Replace(text, change, to, 1)
		require.NotEqual(t, text, changed, change)
		require.Error(t, workflow(changed), "%s instead of %s", to, change)
	}
}

func TestGitLab(t *testing.T) {
	pipeline := func(text string) error {
		found, err := documents([]byte(text))
		require.NoError(t, err)
		require.Len(t, found, 1)
		return check(schema(t, "gitlab-ci.json"), found[0])
	}
	text := read(t, "gitlab-ci.yml")
	require.NoError(t, pipeline(text))
	for change, to := range map[string]string{"id_tokens:": "id_token:", "field:": "fields:", "aud:": "audience:", "  tags: [own-runner]": "  tags: 1"} {
		changed := strings.Replace(text, change, to, 1)
		require.NotEqual(t, text, changed, change)
		require.Error(t, pipeline(changed), "%s instead of %s", to, change)
	}
}
