package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// IntoPage is [Into] for a page of rows: list is the page's list, and size how many
// rows a page has at most. An answer may have the bare list where the page is
// documented. It is then the only page, for it says of no other; but a bare list of
// size rows could be the first of several pages, and fails.
func IntoPage[P, T any](page *P, list *List[T], size int) Out {
	whole := Into(page)
	return func(payload []byte) error {
		if !bytes.HasPrefix(bytes.TrimSpace(payload), []byte("[")) {
			return whole(payload)
		}
		var zero P
		*page = zero
		if err := json.Unmarshal(payload, list); err != nil {
			return err
		}
		if len(list.Items) >= size {
			return fmt.Errorf("a list without its page, of %d rows", len(list.Items))
		}
		return nil
	}
}
