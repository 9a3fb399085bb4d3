package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"vault-plugin-secrets-exchange/exchanges/catalog"
)

// TestEveryRootKeyIsExplained proves that the table says of each form which
// rights the root key needs.
func TestEveryRootKeyIsExplained(t *testing.T) {
	made := rootKeys(catalog.All())
	for _, exchange := range catalog.All() {
		about := exchange.Describe()
		for _, form := range about.Credentials {
			if assert.NotEmpty(t, form.Note, "%s %s", about.Name, form.Name) {
				assert.Contains(t, made, "| "+form.Note+" |")
			}
		}
		assert.Contains(t, made, "["+about.DisplayName+"]("+about.Name+".md)")
	}
}
