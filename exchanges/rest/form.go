package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// maxForm is how much of an answer's form is told, in bytes.
const maxForm = 2 << 10

// fieldName is what a field of an answer may be called. What else stands in a name's
// place is data, such as an account's number, and is not shown.
var fieldName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_.-]*[0-9]?$`)

// maxFieldName is how long a field's name may be, in bytes.
const maxFieldName = 32

// maskedText is a word of which a part is hidden.
var maskedText = regexp.MustCompile(`^[^\s*…]*?(\*|…|\.\.\.)\S*$`)

// form writes what an answer is made of: its status, the names of its fields, and of
// what type each is, or that it is masked. It holds no value, so that it can be shown
// to anybody.
func (a Answer) form() string {
	text := "not JSON"
	var tree any
	switch {
	case len(a.Body) == 0:
		text = "empty"
	case json.Unmarshal(a.Body, &tree) == nil:
		text = formOf(tree)
	}
	if len(text) > maxForm {
		text = text[:maxForm] + "..."
	}
	return fmt.Sprintf("%d %s", a.Status, text)
}

func formOf(tree any) string {
	switch tree := tree.(type) {
	case map[string]any:
		members := map[string]bool{}
		for name, value := range tree {
			if len(name) > maxFieldName || !fieldName.MatchString(name) {
				name = "*"
			}
			members[name+":"+formOf(value)] = true
		}
		return "{" + joined(members, ",") + "}"
	case []any:
		items := map[string]bool{}
		for _, item := range tree {
			items[formOf(item)] = true
		}
		return "[" + joined(items, "|") + "]"
	case string:
		if mask := maskedText.FindStringSubmatch(tree); mask != nil {
			return "masked with " + mask[1]
		}
		return "text"
	case float64:
		return "number"
	case bool:
		return "bool"
	}
	return "null"
}

func joined(parts map[string]bool, separator string) string {
	return strings.Join(slices.Sorted(maps.Keys(parts)), separator)
}
