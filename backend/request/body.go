package request

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxBody bounds what is read, in bytes, and maxDepth how deep JSON may nest.
const (
	maxBody  = 64 << 10
	maxDepth = 32
)

// The content types that exchanges take.
const (
	typeJSON = "application/json"
	typeForm = "application/x-www-form-urlencoded"
)

// body is a request's body as it is to be signed.
type body struct {
	text        []byte
	contentType string
	// names are those of its parameters: of a form, or of a JSON object's members.
	names []string
	// action is the type of the member action, if it has one.
	action string
}

// parseBody reads a body, which is JSON if it begins like that and else a form, and
// takes the parameters of those names out of a form.
func parseBody(form Form, replaced []string) (body, error) {
	given := strings.TrimSpace(form.ContentType)
	if given != "" && given != typeJSON && given != typeForm {
		return body{}, refuse("content_type", "%.64q is not allowed; give %s, %s, or leave it out", given, typeJSON, typeForm)
	}
	parsed := body{text: form.Body, contentType: given}
	switch {
	case len(form.Body) == 0:
		return parsed, nil
	case form.Method == http.MethodGet:
		return body{}, refuse("body", "a GET has none, and not every signature would cover it; give its parameters in query")
	case len(form.Body) > maxBody:
		return body{}, refuse("body", "%d bytes long; give at most %d", len(form.Body), maxBody)
	case !utf8.Valid(form.Body):
		return body{}, refuse("body", "not valid UTF-8")
	}
	if strings.ContainsAny(string(form.Body[:1]), "{[ \t\r\n") {
		if given == typeForm {
			return body{}, refuse("content_type", "%s is that of a form, and the body is JSON, in which a form's reader would find other parameters; give %s, or leave it out", typeForm, typeJSON)
		}
		if parsed.contentType == "" {
			parsed.contentType = typeJSON
		}
		return parsed, parsed.readJSON()
	}
	found, err := parsePairs("body", string(form.Body))
	if err != nil {
		return body{}, err
	}
	found = found.without(replaced)
	parsed.text, parsed.names = []byte(found.text()), found.names()
	if parsed.contentType == "" {
		parsed.contentType = typeForm
	}
	return parsed, nil
}

// readJSON checks that the body is one JSON object or array in which no two members of
// an object have one name, whatever its case: readers differ in which of them counts.
func (b *body) readJSON() error {
	decoder := json.NewDecoder(bytes.NewReader(b.text))
	decoder.UseNumber()
	if err := b.readValue(decoder, nil, 0); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return refuse("body", "something follows the JSON; give one object or array and nothing else")
	}
	return nil
}

// readValue reads the value at a place, which is named by the members that lead there.
func (b *body) readValue(decoder *json.Decoder, at []string, depth int) error {
	token, err := decoder.Token()
	if err != nil {
		return refuse("body", "not JSON")
	}
	if text, isText := token.(string); isText && len(at) == 2 && at[0] == "action" && at[1] == "type" {
		b.action = text
	}
	opening, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth == maxDepth {
		return refuse("body", "nested deeper than %d levels", maxDepth)
	}
	seen := map[string]bool{}
	for decoder.More() {
		inside := append(at[:len(at):len(at)], "[]")
		if opening == '{' {
			token, err := decoder.Token()
			if err != nil {
				return refuse("body", "not JSON")
			}
			name := token.(string) // Nothing else can be there.
			if seen[folded(name)] {
				return refuse("body", "the member %.64q is there twice; readers differ in which of them counts", name)
			}
			seen[folded(name)] = true
			if depth == 0 {
				b.names = append(b.names, name)
			}
			inside[len(at)] = name
		}
		if err := b.readValue(decoder, inside, depth+1); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return refuse("body", "not JSON")
	}
	return nil
}
