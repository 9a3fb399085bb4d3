package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// TestOverviewLeadsToEveryPage proves that README.md has a row for each exchange, with
// the columns it is to have.
func TestOverviewLeadsToEveryPage(t *testing.T) {
	made := overview(catalog.All())
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			require.Contains(t, made, "| "+name(exchange.Describe(), variant, "docs/exchanges/")+" |")
		}
	}
	require.Contains(t, made, "| exchange | scopes | only together | key types | addresses | revocation |\n")
}
