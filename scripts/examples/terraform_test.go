package examples

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTerraform(t *testing.T) {
	var known provider
	require.NoError(t, load("testdata/terraform-provider-vault.json", &known))
	require.NotEmpty(t, known.Resources)
	text := read(t, "terraform/main.tf")
	require.NoError(t, checkTerraform(text, "main.tf", known))
	for change, to := range map[string]string{
		"ignore_absent_fields =": "ignore_fields =", "path  ": "paths ", `"vault_generic_endpoint" "role" {`: `"vault_generic_role" "role" {`,
		"write_fields =": "write_data =", "jsonencode(": "jsonencode(()",
	} {
		changed := strings.Replace(text, change, to, 1)
		require.NotEqual(t, text, changed, change)
		require.Error(t, checkTerraform(changed, "main.tf", known), "%s instead of %s", to, change)
	}
}
