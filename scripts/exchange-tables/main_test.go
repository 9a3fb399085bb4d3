package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

var repository = filepath.Join("..", "..")

// TestPagesAreUpToDate fails if the pages differ from the exchanges'
// descriptions.
func TestPagesAreUpToDate(t *testing.T) {
	for _, page := range pages() {
		t.Run(page.path, func(t *testing.T) {
			kept, err := os.ReadFile(filepath.Join(repository, page.path))
			require.NoError(t, err)
			made, err := page.render(string(kept), catalog.All())
			require.NoError(t, err)
			require.Equal(t, made, string(kept), "%s is stale; run make docs", page.path)
		})
	}
}

func TestUpdate(t *testing.T) {
	root := t.TempDir()
	stale := map[string]string{
		"README.md":                "Above\n" + overviewBegin + "stale\n" + overviewEnd + "Below\n",
		"docs/exchanges/README.md": "stale",
		"docs/clients.md":          "Above\n" + clientsBegin + "stale\n" + clientsEnd + "Below\n",
		"docs/signing.md":          "Above\n" + signingBegin + signingEnd + "Below\n",
	}
	require.NoError(t, os.MkdirAll(filepath.Join(root, "docs", "exchanges"), 0o755))
	for path, text := range stale {
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o600))
	}
	for range 2 {
		require.NoError(t, update(root, catalog.All()))
		for path, want := range map[string]string{
			"README.md":                "Above\n" + overviewBegin + "\n" + overview(catalog.All()) + "\n" + overviewEnd + "Below\n",
			"docs/exchanges/README.md": comparison(catalog.All()),
			"docs/clients.md":          "Above\n" + clientsBegin + "\n" + clients(catalog.All()) + "\n" + clientsEnd + "Below\n",
			"docs/signing.md":          "Above\n" + signingBegin + "\n" + signing(catalog.All()) + "\n" + signingEnd + "Below\n",
		} {
			made, err := os.ReadFile(filepath.Join(root, path))
			require.NoError(t, err)
			require.Equal(t, want, string(made))
		}
	}
}

// TestUpdateWithoutMarks proves that a README with damaged marks is left
// unchanged.
func TestUpdateWithoutMarks(t *testing.T) {
	for title, text := range map[string]string{
		"none":        "Above\nBelow\n",
		"no end":      "Above\n" + overviewBegin + "Below\n",
		"no begin":    "Above\n" + overviewEnd + "Below\n",
		"wrong order": overviewEnd + "Above\n" + overviewBegin + "Below\n",
	} {
		t.Run(title, func(t *testing.T) {
			_, err := replaceOverview(text, catalog.All())
			require.ErrorContains(t, err, "marks")
		})
	}
}
