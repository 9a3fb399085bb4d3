package venue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
)

// Reason says what is wrong with a parameter. Some exchanges have a code for
// each reason.
type Reason string

// The reasons for complaints.
const (
	Malformed Reason = "is malformed"
	Missing   Reason = "is missing"
	WrongType Reason = "has the wrong type"
	BadValue  Reason = "has a value that is not allowed"
	Unknown   Reason = "is unknown"
	Duplicate Reason = "is given twice"
)

// Complaint is the first thing wrong with the parameters of a request.
type Complaint struct {
	Param  string
	Reason Reason
}

func (c *Complaint) Error() string { return c.Param + " " + string(c.Reason) }

// Params reads the named parameters of a request strictly. Its readers store
// the first complaint instead of returning it, so that an endpoint reads all of
// its parameters and then asks once.
type Params struct {
	values map[string]any // from JSON, or text from a query or form
	read   map[string]bool
	first  *Complaint
}

// formText is text from a query or form, which can represent any type. A JSON
// string only represents text.
type formText string

// JSONParams reads a JSON object. An empty body and null count as no parameters.
func JSONParams(body []byte) *Params {
	p := &Params{values: make(map[string]any), read: make(map[string]bool)}
	if len(bytes.TrimSpace(body)) == 0 {
		return p
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&p.values); err != nil || decoder.More() {
		p.Complain("the body", Malformed)
	}
	return p
}

// FormParams reads a query string or a form, or several of them together. If a
// parameter is in several, the first one wins.
func FormParams(encoded ...string) *Params {
	p := &Params{values: make(map[string]any), read: make(map[string]bool)}
	for _, part := range encoded {
		form, err := url.ParseQuery(part)
		if err != nil {
			p.Complain("the query", Malformed)
		}
		for name, values := range form {
			if len(values) > 1 {
				p.Complain(name, Duplicate)
			}
			if !p.Given(name) {
				p.values[name] = formText(values[0])
			}
		}
	}
	return p
}

// Complain records what is wrong with a parameter, unless there is a complaint
// already.
func (p *Params) Complain(name string, why Reason) {
	if p.first == nil {
		p.first = &Complaint{name, why}
	}
}

// Given reports whether the parameter is present.
func (p *Params) Given(name string) bool {
	_, ok := p.values[name]
	return ok
}

// Require complains about each parameter that is missing.
func (p *Params) Require(names ...string) {
	for _, name := range names {
		if !p.Given(name) {
			p.Complain(name, Missing)
		}
	}
}

// Check complains about a parameter's value unless it is right.
func (p *Params) Check(name string, right bool) {
	if !right {
		p.Complain(name, BadValue)
	}
}

// Names lists the parameters that are present, in alphabetical order.
func (p *Params) Names() []string { return slices.Sorted(maps.Keys(p.values)) }

// Ignore marks parameters as known without reading them.
func (p *Params) Ignore(names ...string) {
	for _, name := range names {
		p.read[name] = true
	}
}

// take looks a parameter up and marks it as known.
func (p *Params) take(name string) (any, bool) {
	p.read[name] = true
	value, ok := p.values[name]
	return value, ok
}

// Text reads a string. It returns an empty string if the parameter is missing.
func (p *Params) Text(name string) string {
	switch value, given := p.take(name); value := value.(type) {
	case string:
		return value
	case formText:
		return string(value)
	default:
		if given {
			p.Complain(name, WrongType)
		}
		return ""
	}
}

// Integer reads a whole number. It returns the fallback if the parameter is
// missing.
func (p *Params) Integer(name string, fallback int64) int64 {
	value, given := p.take(name)
	if !given {
		return fallback
	}
	var digits string
	switch value := value.(type) {
	case json.Number:
		digits = value.String()
	case formText:
		digits = string(value)
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		p.Complain(name, WrongType)
	}
	return number
}

// Flag reads true or false. It returns the fallback if the parameter is
// missing.
func (p *Params) Flag(name string, fallback bool) bool {
	switch value, given := p.take(name); value := value.(type) {
	case bool:
		return value
	case formText:
		if value != "true" && value != "false" {
			p.Complain(name, WrongType)
		}
		return value == "true"
	default:
		if given {
			p.Complain(name, WrongType)
		}
		return fallback
	}
}

// Value reads a JSON value into target and reports whether it was present and
// of the right shape. In a query or form, the text is either the value as JSON, such as
// a number, or a string.
func (p *Params) Value(name string, target any) bool {
	value, given := p.take(name)
	if !given {
		return false
	}
	if text, ok := value.(formText); ok && DecodeStrictly([]byte(text), target) == nil {
		return true
	}
	encoded, err := json.Marshal(value)
	if err == nil {
		err = DecodeStrictly(encoded, target)
	}
	if err != nil {
		p.Complain(name, WrongType)
	}
	return err == nil
}

// Complaint returns the first thing wrong with the parameters read so far, nil
// if there is none. It tolerates parameters that were not read.
func (p *Params) Complaint() *Complaint { return p.first }

// StrictComplaint is [Params.Complaint], but also complains of a parameter that
// nobody read, as unknown.
func (p *Params) StrictComplaint() *Complaint {
	for name := range p.values {
		if !p.read[name] {
			p.Complain(name, Unknown)
		}
	}
	return p.first
}

// DecodeStrictly decodes one JSON value and refuses unknown fields and anything
// after the value.
func DecodeStrictly(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return fmt.Errorf("the JSON does not have the expected form: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more text after the JSON value")
	}
	return nil
}
