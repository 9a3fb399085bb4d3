package backend

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// operationPrefix begins the OpenAPI operation id of every path.
const operationPrefix = "exchange"

// namePattern is what may name a connection or a role; two dots in a row are not
// allowed either, which Vault's storage refuses.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.@+-]{0,126}[A-Za-z0-9])?$`)

// checkName refuses what may not name a connection, a role or a key.
func checkName(field, name string) error {
	if namePattern.MatchString(name) && !strings.Contains(name, "..") {
		return nil
	}
	return invalid(field, "%.64q is not allowed; use 1 to 128 letters, digits and _ - . @ +, beginning and ending with a letter or digit, without two dots in a row", name)
}

// strict wraps a path's handlers: an unknown field is refused instead of
// ignored, a bad name is refused before anything is looked up, and every error
// becomes what Vault's user should see.
func strict(path *framework.Path) *framework.Path {
	for _, operation := range path.Operations {
		op := operation.(*framework.PathOperation)
		handler := op.Callback
		op.Callback = func(ctx context.Context, req *logical.Request, d *framework.FieldData) (*logical.Response, error) {
			if err := checkFields(path, req, d); err != nil {
				return answer(err)
			}
			resp, err := handler(ctx, req, d)
			if err != nil {
				return answer(err)
			}
			return resp, nil
		}
	}
	return path
}

func checkFields(path *framework.Path, req *logical.Request, d *framework.FieldData) error {
	for field := range req.Data {
		if path.Fields[field] == nil {
			known := slices.DeleteFunc(slices.Sorted(maps.Keys(path.Fields)), func(name string) bool {
				return strings.Contains(path.Pattern, "(?P<"+name+">")
			})
			return invalid(fmt.Sprintf("%.64q", field), "not a field of this path; the fields are %s", strings.Join(known, ", "))
		}
	}
	if _, named := path.Fields["name"]; named {
		return checkName("name", d.Get("name").(string))
	}
	return nil
}

// nameField is the name in the path.
func nameField(what string) *framework.FieldSchema {
	return &framework.FieldSchema{
		Type:        framework.TypeString,
		Description: "Name of the " + what + ".",
		Required:    true,
	}
}

// Fields of every list.
func listFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"after": {Type: framework.TypeString, Query: true, Description: "Begin after this entry."},
		"limit": {Type: framework.TypeInt, Query: true, Description: "Return at most this many entries; 0 for all.", Default: 0},
	}
}

// pageFields reads the fields of listFields.
func pageFields(d *framework.FieldData) (after string, limit int, err error) {
	if limit = d.Get("limit").(int); limit < 0 {
		return "", 0, invalid("limit", "%d is negative; give 0 for all entries or a positive number", limit)
	}
	return d.Get("after").(string), limit, nil
}

// pageOf cuts sorted names down to what the fields of listFields ask for.
func pageOf(names []string, d *framework.FieldData) ([]string, error) {
	after, limit, err := pageFields(d)
	if err != nil {
		return nil, err
	}
	if after != "" {
		i, found := slices.BinarySearch(names, after)
		if found {
			i++
		}
		names = names[i:]
	}
	if limit > 0 && limit < len(names) {
		names = names[:limit]
	}
	return names, nil
}

// duration reads a field of TypeSignedDurationSecond and refuses a negative
// one.
func duration(d *framework.FieldData, field string) (time.Duration, error) {
	given := d.Get(field).(int)
	if given < 0 {
		return 0, invalid(field, "%ds is negative; give 0 or more, such as 15m or 900", given)
	}
	return time.Duration(given) * time.Second, nil
}

// wordsOf reads a comma-separated field without its empty items.
func wordsOf(d *framework.FieldData, field string) []string {
	var listed []string
	for _, word := range d.Get(field).([]string) {
		if word = strings.TrimSpace(word); word != "" {
			listed = append(listed, word)
		}
	}
	return listed
}

// responses declares the one successful answer of an operation.
func responses(description string, fields map[string]*framework.FieldSchema) map[int][]framework.Response {
	return map[int][]framework.Response{http.StatusOK: {{Description: description, Fields: fields}}}
}

// oneOf refuses a value that is not among the allowed ones.
func oneOf(field, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return invalid(field, "%q is not known; choose one of: %s", value, strings.Join(allowed, ", "))
}

// listAnswer answers a list operation.
func listAnswer(names []string, err error, d *framework.FieldData) (*logical.Response, error) {
	if err != nil {
		return nil, err
	}
	names, err = pageOf(names, d)
	if err != nil {
		return nil, err
	}
	return logical.ListResponse(names), nil
}

func listAnswerFields() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"keys": {Type: framework.TypeStringSlice, Description: "The names."},
	}
}

// detailedAnswer answers a list operation with what about tells of each name.
func detailedAnswer(names []string, about func(name string) map[string]any, d *framework.FieldData) (*logical.Response, error) {
	slices.Sort(names)
	names, err := pageOf(names, d)
	if err != nil {
		return nil, err
	}
	info := make(map[string]any, len(names))
	for _, name := range names {
		info[name] = about(name)
	}
	return logical.ListResponseWithInfo(names, info), nil
}

// detailedAnswerFields are listAnswerFields with what is told of each name.
func detailedAnswerFields(told string) map[string]*framework.FieldSchema {
	fields := listAnswerFields()
	fields["key_info"] = &framework.FieldSchema{Type: framework.TypeMap, Description: "For each: " + told + "."}
	return fields
}
