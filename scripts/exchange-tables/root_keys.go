package main

import (
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The table of root keys in README.md stands between these marks, which
// Markdown does not show.
const (
	rootKeysBegin = "<!-- Root keys: made by \"make docs\" from Describe().Credentials of each exchange. -->\n"
	rootKeysEnd   = "<!-- End of the root keys. -->\n"
)

// replaceRootKeys returns text with a new table between its marks.
func replaceRootKeys(text string, all []exchanges.Exchange) (string, error) {
	return replaceBetween(text, rootKeysBegin, rootKeysEnd, rootKeys(all))
}

// rootKeys is the table of root keys, with a row for each form of an exchange's
// credential.
func rootKeys(all []exchanges.Exchange) string {
	var rows [][]string
	for _, exchange := range all {
		about := exchange.Describe()
		link := fmt.Sprintf("[%s](docs/exchanges/%s.md)", about.DisplayName, about.Name)
		for _, form := range about.Credentials {
			rows = append(rows, []string{link, "`" + strings.Join(form.Fields, "`, `") + "`", form.Note})
		}
	}
	return table([]string{"exchange", "fields of the connection", "the root key"}, rows)
}
