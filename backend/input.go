package backend

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/helper/errutil"
	"github.com/hashicorp/vault/sdk/logical"
)

// Bounds on what one field may hold: far more than anybody needs, and far less than
// what it would take to keep the plugin busy.
const (
	maxText  = 16 << 10 // bytes of a text
	maxItems = 5_000    // of a list
	maxItem  = 256      // bytes of one of them
)

// HandleExistenceCheck implements [logical.Backend]. It comes before every write.
func (e *engine) HandleExistenceCheck(ctx context.Context, req *logical.Request) (checkFound, exists bool, err error) {
	if err := e.checkInput(req); err != nil {
		return false, false, errutil.UserError{Err: err.Error()}
	}
	return e.Backend.HandleExistenceCheck(ctx, req)
}

// HandleRequest implements [logical.Backend].
func (e *engine) HandleRequest(ctx context.Context, req *logical.Request) (*logical.Response, error) {
	if err := e.checkInput(req); err != nil {
		return answer(err)
	}
	resp, err := e.Backend.HandleRequest(ctx, req)
	if errors.Is(err, logical.ErrReadOnly) {
		e.vault.forget()
	}
	return resp, err
}

// checkInput refuses what no field may hold, before anything reads it: the framework
// has no bounds, and quotes in an error, which Vault logs, what it cannot read. What
// is left is put into the one form that the rest of the engine knows.
func (e *engine) checkInput(req *logical.Request) error {
	if len(req.Data) == 0 {
		return nil
	}
	path := e.Route(req.Path)
	if path == nil {
		return nil
	}
	for name, value := range req.Data {
		field := path.Fields[name]
		if field == nil {
			continue // It is refused by name, see strict.
		}
		var err error
		switch field.Type {
		case framework.TypeString:
			err = checkText(name, field, value)
		case framework.TypeCommaStringSlice:
			err = checkList(name, value)
		case framework.TypeBool:
			req.Data[name] = switchWord(value)
		case framework.TypeSignedDurationSecond:
			err = checkDuration(name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkText refuses a text that is none, or that holds what cannot be seen. Only a
// private key, the body of a request and a text to be signed have lines.
func checkText(name string, field *framework.FieldSchema, value any) error {
	text, isText := value.(string)
	if !isText {
		switch value.(type) {
		case []any, map[string]any, []string:
			return invalid(name, "must be a string; what was given is not shown here, since it may be secret")
		}
		return nil
	}
	if len(text) > maxText {
		return invalid(name, "%d bytes long; give at most %d", len(text), maxText)
	}
	if !utf8.ValidString(text) {
		return invalid(name, "not valid UTF-8; a file saved as UTF-16 must be saved as UTF-8 first")
	}
	lines := name == privateKeyField || name == bodyField || name == inputField
	for at, r := range text {
		switch {
		case r == '\ufeff':
			return invalid(name, "holds a byte order mark (U+FEFF) at position %d; save the file as UTF-8 without one", at)
		case lines && (r == '\n' || r == '\r' || r == '\t'):
		case unicode.IsControl(r) && strings.TrimSpace(text[at:]) == "":
			// The newline at the end of a file.
		case unicode.IsControl(r):
			return invalid(name, "holds the control character %U at position %d, such as a line break; leave it out", r, at)
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return invalid(name, "holds the invisible character %U at position %d; type the value anew, or copy it without formatting", r, at)
		}
	}
	if secret := field.DisplayAttrs != nil && field.DisplayAttrs.Sensitive; (secret || name == "api_key") && quoted(text) {
		return invalid(name, "is in quotation marks; leave them out")
	}
	return nil
}

func quoted(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) > 1 && strings.ContainsRune(`"'`, rune(text[0])) && text[0] == text[len(text)-1]
}

// checkList refuses a list that is longer than any could be, and items that look
// right and are not: several in one, or one given twice.
func checkList(name string, value any) error {
	var items []string
	switch value := value.(type) {
	case string:
		if len(value) > maxItems*maxItem || strings.Count(value, ",") >= maxItems {
			return invalid(name, "the list is too long; give at most %d items of %d bytes", maxItems, maxItem)
		}
		items = strings.Split(value, ",")
	case []string:
		items = value
	case []any:
		if len(value) > maxItems {
			return invalid(name, "%d items given; give at most %d", len(value), maxItems)
		}
		for _, item := range value {
			text, ok := item.(string)
			if !ok {
				return invalid(name, "each item of the list must be a string")
			}
			items = append(items, text)
		}
	default:
		return nil
	}
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		item = strings.TrimSpace(item)
		switch {
		case item == "":
			continue
		case len(item) > maxItem:
			return invalid(name, "an item is %d bytes long; give at most %d", len(item), maxItem)
		case !utf8.ValidString(item) || strings.ContainsFunc(item, notInAnItem):
			return invalid(name, "%q is not one item; separate items with commas and nothing else, such as a,b, or give a JSON list of strings", item)
		case seen[item]:
			return invalid(name, "%q is given twice; name it once", item)
		}
		seen[item] = true
	}
	return nil
}

// notInAnItem reports whether the character shows that an item of a list is several,
// or a list of another notation.
func notInAnItem(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`,;"'`+"`"+`[]{}`, r)
}

// switchWord reads the words that people use for true and false.
func switchWord(value any) any {
	word, _ := value.(string)
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "yes", "on":
		return true
	case "no", "off":
		return false
	}
	return value
}

// checkDuration refuses what would come to 0 once it is cut to whole seconds.
func checkDuration(name string, value any) error {
	text, _ := value.(string)
	given, err := time.ParseDuration(strings.TrimSpace(text))
	if err == nil && given != 0 && given.Truncate(time.Second) != given {
		return invalid(name, "%s is not a whole number of seconds; give for example 15m or 900", given)
	}
	return nil
}
