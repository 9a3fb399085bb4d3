package acceptance_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/acceptance/vaulttest"
)

// document is the part of Vault's OpenAPI document that says what the paths of a
// mount do.
type document struct {
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

// operation is one method of a path.
type operation struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Responses   map[string]struct {
		Description string `json:"description"`
	} `json:"responses"`
}

// The OpenAPI document and the help of the command line are complete.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	e := enable(t, vaulttest.Start(t, 1))
	response, err := e.client.Logical().ReadRawWithContext(t.Context(), "sys/internal/specs/openapi")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var openAPI document
	require.NoError(t, json.Unmarshal(body, &openAPI))

	ours := map[string]map[string]json.RawMessage{}
	prefix := "/" + e.path + "/"
	for path, methods := range openAPI.Paths {
		if below, ok := strings.CutPrefix(path, prefix); ok {
			ours[below] = methods
		}
	}
	for path, methods := range map[string][]string{
		"config/":                             {"get"},
		"config/{name}":                       {"get", "post", "patch", "delete"},
		"config/{name}/check":                 {"get"},
		"config/{name}/sub-accounts/":         {"get"},
		"config/{name}/reconcile":             {"post"},
		"config/{name}/revoke-all":            {"delete", "get", "post"},
		"config/{name}/rotate-root":           {"post"},
		"config/{name}/self-test":             {"get", "post"},
		"roles/":                              {"get"},
		"roles/{name}":                        {"get", "post", "patch", "delete"},
		"roles/{name}/check":                  {"get"},
		"roles/{name}/revoke-all":             {"delete", "get", "post"},
		"creds/{name}":                        {"get", "post"},
		"static-roles/":                       {"get"},
		"static-roles/{name}":                 {"get", "post", "patch", "delete"},
		"static-roles/{name}/check":           {"get"},
		"static-creds/{name}":                 {"get"},
		"rotate-role/{name}":                  {"post"},
		"keys/":                               {"get"},
		"keys/lookup":                         {"post"},
		"keys/{id}/forget":                    {"post"},
		"keys/{id}":                           {"get", "delete"},
		"exchanges/":                          {"get"},
		"exchanges/{name}":                    {"get"},
		"exchanges/{name}/environments/":      {"get"},
		"exchanges/{name}/credentials/":       {"get"},
		"exchanges/{name}/variants/":          {"get"},
		"exchanges/{name}/variants/{variant}": {"get"},
		"exchanges/{name}/variants/{variant}/permissions/": {"get"},
		"metrics": {"get"},
		"info":    {"get"},
	} {
		for _, method := range methods {
			assert.Contains(t, ours[path], method, path)
		}
	}

	ids := map[string]string{}
	for path, methods := range ours {
		t.Run(path, func(t *testing.T) {
			for method, raw := range methods {
				if !slices.Contains([]string{"get", "post", "delete", "patch"}, method) {
					continue
				}
				var o operation
				require.NoError(t, json.Unmarshal(raw, &o))
				assert.True(t, strings.HasPrefix(o.OperationID, "exchange-"), "%s: operation id %q", method, o.OperationID)
				assert.Empty(t, ids[o.OperationID], "%s: operation id %s is taken", method, o.OperationID)
				ids[o.OperationID] = path
				assert.NotEmpty(t, o.Summary, method)
				assert.NotEmpty(t, o.Responses, method)
				for status, response := range o.Responses {
					assert.NotEmpty(t, response.Description, "%s %s", method, status)
				}
			}
			e.helps(t, strings.NewReplacer("{name}", "a", "{id}", "a", "{variant}", "a").Replace(path))
		})
	}
	t.Run("mount", func(t *testing.T) { e.helps(t, "") })
}

// helps checks that path-help has something to say of a path.
func (e *engine) helps(t *testing.T, path string) {
	help, err := e.client.Help(e.path + "/" + path)
	require.NoError(t, err)
	assert.Greater(t, len(help.Help), 100, help.Help)
	assert.NotContains(t, help.Help, "<no value>")
	assert.NotContains(t, help.Help, "(no description)")
}

// The clients of docs/signing.md are those that the tests connect.
func TestSigningExamples(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/signing.md")
	require.NoError(t, err)
	programs, err := filepath.Glob(filepath.Join(clientsFolder, "*.mjs"))
	require.NoError(t, err)
	var tested strings.Builder
	for _, program := range programs {
		text, err := os.ReadFile(program)
		require.NoError(t, err)
		tested.Write(text)
	}
	examples := strings.Split(string(guide), "```js\n")[1:]
	require.Len(t, examples, 5)
	for _, example := range examples {
		code, _, _ := strings.Cut(example, "```")
		require.Contains(t, tested.String(), code)
	}
}
