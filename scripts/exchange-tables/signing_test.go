package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// TestEveryExchangeSigns proves that each exchange has a row, whole.
func TestEveryExchangeSigns(t *testing.T) {
	made := signing(catalog.All())
	cells := 0
	for line := range strings.Lines(made) {
		if cells == 0 {
			cells = strings.Count(line, " |")
		}
		require.Equal(t, cells, strings.Count(strings.ReplaceAll(line, "---", " "), " |"), line)
	}
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		require.Contains(t, made, "| ["+about.DisplayName+"](exchanges/"+about.Name+".md) |")
	}
}
