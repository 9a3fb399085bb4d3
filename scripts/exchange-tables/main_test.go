package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func TestTableIsUpToDate(t *testing.T) {
	var made strings.Builder
	require.NoError(t, write(&made, catalog.All()))
	kept, err := os.ReadFile(filepath.Join("..", "..", "docs", "exchanges", "README.md"))
	require.NoError(t, err)
	require.Equal(t, made.String(), string(kept), "docs/exchanges/README.md is stale; run make docs")
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			require.Contains(t, made.String(), "| "+name(exchange.Describe(), variant)+" |")
		}
	}
}
