package main

import (
	"errors"
	"fmt"
	"strings"

	"vault-plugin-secrets-exchange/exchanges"
)

// The marks in README.md between which the table of root keys stands. Markdown
// does not show them.
const (
	rootKeysBegin = "<!-- Root keys: made by \"make docs\" from Describe().Credentials of each exchange. -->\n"
	rootKeysEnd   = "<!-- End of the root keys. -->\n"
)

// replaceRootKeys returns text with a new table between its marks. Without both
// marks, in their order, it would have to guess what to replace, and fails.
func replaceRootKeys(text string, all []exchanges.Exchange) (string, error) {
	before, rest, begins := strings.Cut(text, rootKeysBegin)
	_, after, ends := strings.Cut(rest, rootKeysEnd)
	if !begins || !ends {
		return "", errors.New("the marks of the table of root keys are missing")
	}
	return before + rootKeysBegin + "\n" + rootKeys(all) + "\n" + rootKeysEnd + after, nil
}

// rootKeys is the table of the root keys: a row for each form of an exchange.
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
