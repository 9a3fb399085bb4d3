package rest

import (
	"fmt"

	"vault-plugin-secrets-exchange/exchanges"
)

// maxPages bounds a listing, so that an exchange that never ends it cannot
// hold a caller.
const maxPages = 1000

// Pages calls page with the cursor of each page, the first one empty, until
// it returns no further cursor. A cursor that comes back twice is an error.
func Pages(page func(cursor string) (next string, err error)) error {
	seen := map[string]bool{"": true}
	for cursor, n := "", 0; n < maxPages; n++ {
		next, err := page(cursor)
		if err != nil || next == "" {
			return err
		}
		if seen[next] {
			break
		}
		seen[next] = true
		cursor = next
	}
	return &exchanges.Error{
		Kind:      exchanges.ErrUnavailable,
		Operation: "read all pages",
		Message:   fmt.Sprintf("the exchange's listing does not end (more than %d pages, or a page that repeats)", maxPages),
	}
}
