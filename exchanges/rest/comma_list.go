package rest

import (
	"encoding/json"
	"strings"
)

// CommaList is a list that an exchange writes as one text with commas: nil if
// the answer does not have it, empty if its text is.
type CommaList []string

// UnmarshalJSON accepts a string or null.
func (l *CommaList) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil || text == nil {
		return err
	}
	*l = CommaList{}
	for item := range strings.SplitSeq(*text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}
