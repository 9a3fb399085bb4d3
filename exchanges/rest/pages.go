package rest

import (
	"fmt"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
)

// maxPages bounds a listing, so that an exchange that never ends it cannot
// hold a caller.
const maxPages = 1000

const opReadPages exchanges.Operation = "read_all_pages"

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
		Operation: opReadPages,
		Message:   fmt.Sprintf("the exchange's listing does not end (more than %d pages, or a page that repeats)", maxPages),
	}
}

// NumberedPages is Pages for pages that are numbered from 1: the first one that
// holds fewer rows than size is the last.
func NumberedPages(size int, page func(number string) (rows int, err error)) error {
	number := 0
	return Pages(func(string) (string, error) {
		number++
		rows, err := page(strconv.Itoa(number))
		if rows < size {
			return "", err
		}
		return strconv.Itoa(number), err
	})
}
