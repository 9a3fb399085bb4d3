// Command exchange-tables writes the tables that follow from each exchange's
// description: docs/exchanges/README.md, the exchanges in README.md, what clients take
// in docs/clients.md, and what signatures hold in docs/signing.md. Run it in the
// repository's root: go run ./scripts/exchange-tables
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/catalog"
)

func main() {
	if err := update(".", catalog.All()); err != nil {
		fmt.Fprintln(os.Stderr, "exchange-tables:", err)
		os.Exit(1)
	}
}

// page is a file made from the exchanges' descriptions.
type page struct {
	// path is relative to the repository's root.
	path string
	// render returns the file's new text, given its present one.
	render func(text string, all []exchanges.Exchange) (string, error)
}

func pages() []page {
	return []page{
		{"docs/exchanges/README.md", func(_ string, all []exchanges.Exchange) (string, error) { return comparison(all), nil }},
		{"README.md", replaceOverview},
		{"docs/clients.md", replaceClients},
		{"docs/signing.md", replaceSigning},
	}
}

// update brings the pages of the repository at root up to date.
func update(root string, all []exchanges.Exchange) error {
	for _, p := range pages() {
		path := filepath.Join(root, p.path)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		made, err := p.render(string(text), all)
		if err != nil {
			return fmt.Errorf("%s: %w", p.path, err)
		}
		if err := os.WriteFile(path, []byte(made), 0o644); err != nil {
			return err
		}
	}
	return nil
}
