package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func TestEveryVariantHasARow(t *testing.T) {
	made := capabilities(catalog.All())
	for _, exchange := range catalog.All() {
		for _, variant := range exchange.Describe().Variants {
			require.Contains(t, made, "| "+name(exchange.Describe(), variant, "")+" |")
		}
	}
}
