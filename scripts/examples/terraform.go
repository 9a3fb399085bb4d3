package examples

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// provider says what attributes the blocks of a provider of Terraform have.
type provider struct {
	Resources map[string]map[string]attribute
	Ephemeral map[string]map[string]attribute
}

type attribute struct{ Required, Optional bool }

// ofTerraform are what Terraform itself takes in any block of a provider.
var ofTerraform = []string{"for_each", "count", "depends_on", "provider"}

// checkTerraform says what Terraform would not take of a file, or the provider of the
// blocks in it that are its own. Blocks of others are only read.
func checkTerraform(text, name string, p provider) error {
	file, problems := hclparse.NewParser().ParseHCL([]byte(text), name)
	if problems.HasErrors() {
		return problems
	}
	own := 0
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		var known map[string]map[string]attribute
		switch block.Type {
		case "resource":
			known = p.Resources
		case "ephemeral":
			known = p.Ephemeral
		case "terraform", "provider":
			continue
		default:
			return fmt.Errorf("%s: blocks of type %s are not checked", block.DefRange(), block.Type)
		}
		if block.Labels[0] == "terraform_data" {
			continue
		}
		attributes, ok := known[block.Labels[0]]
		if !ok {
			return fmt.Errorf("%s: the provider has no %s %s", block.DefRange(), block.Type, block.Labels[0])
		}
		if err := checkBlock(block, attributes); err != nil {
			return err
		}
		own++
	}
	if own == 0 {
		return fmt.Errorf("%s has nothing of the provider", name)
	}
	return nil
}

func checkBlock(block *hclsyntax.Block, known map[string]attribute) error {
	given := slices.Collect(maps.Keys(block.Body.Attributes))
	for _, name := range given {
		about := known[name] // What is neither required nor optional is computed.
		if !about.Required && !about.Optional && !slices.Contains(ofTerraform, name) {
			return fmt.Errorf("%s: %s takes no %s", block.DefRange(), block.Labels[0], name)
		}
	}
	for name, about := range known {
		if about.Required && !slices.Contains(given, name) {
			return fmt.Errorf("%s: %s needs %s", block.DefRange(), block.Labels[0], name)
		}
	}
	for _, inner := range block.Body.Blocks {
		return fmt.Errorf("%s: %s has no blocks", inner.DefRange(), block.Labels[0])
	}
	return nil
}
