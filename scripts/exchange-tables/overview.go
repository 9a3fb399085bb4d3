package main

import (
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
)

// The table of exchanges in README.md stands between these marks, which Markdown does
// not show.
const (
	overviewBegin = "<!-- Exchanges: made by \"make docs\" from Describe() of each exchange. -->\n"
	overviewEnd   = "<!-- End of the exchanges. -->\n"
)

// overviewColumns are what decides whether an exchange will do at all; the rest is in
// docs/exchanges/README.md.
var overviewColumns = []string{"exchange", "scopes", "only together", "key types", "addresses", "revocation"}

// replaceOverview returns text with a new table of exchanges between its marks.
func replaceOverview(text string, all []exchanges.Exchange) (string, error) {
	return replaceBetween(text, overviewBegin, overviewEnd, "exchanges", overview(all))
}

// overview is the table of exchanges in README.md.
func overview(all []exchanges.Exchange) string {
	return variants(all, slices.DeleteFunc(columns("docs/exchanges/"), func(c column) bool {
		return !slices.Contains(overviewColumns, c.title)
	}))
}
