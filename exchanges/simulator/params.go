package simulator

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

// reason says what is wrong with a parameter. Some exchanges have a code for each.
type reason string

const (
	malformed reason = "is malformed"
	missing   reason = "is missing"
	wrongType reason = "has the wrong type"
	badValue  reason = "has a value that is not allowed"
	unknown   reason = "is unknown"
	duplicate reason = "is given twice"
)

// complaint is the first thing wrong with the parameters of a request.
type complaint struct {
	param  string
	reason reason
}

func (c *complaint) Error() string { return c.param + " " + string(c.reason) }

// params reads the named parameters of a request strictly. The readers keep the
// first complaint instead of returning it, so that an endpoint reads all of its
// parameters and then asks once.
type params struct {
	values map[string]any // of JSON, or text from a query or form
	read   map[string]bool
	first  *complaint
}

// text from a query or form can stand for any type; a JSON string only for text.
type formText string

// jsonParams reads a JSON object. An empty body and null count as no parameters.
func jsonParams(body []byte) *params {
	p := &params{values: make(map[string]any), read: make(map[string]bool)}
	if len(bytes.TrimSpace(body)) == 0 {
		return p
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&p.values); err != nil || decoder.More() {
		p.complain("the body", malformed)
	}
	return p
}

// formParams reads a query string or a form, or several of them together; a
// parameter that is in several counts as it stands in the first.
func formParams(encoded ...string) *params {
	p := &params{values: make(map[string]any), read: make(map[string]bool)}
	for _, part := range encoded {
		form, err := url.ParseQuery(part)
		if err != nil {
			p.complain("the query", malformed)
		}
		for name, values := range form {
			if len(values) > 1 {
				p.complain(name, duplicate)
			}
			if !p.given(name) {
				p.values[name] = formText(values[0])
			}
		}
	}
	return p
}

func (p *params) complain(name string, why reason) {
	if p.first == nil {
		p.first = &complaint{name, why}
	}
}

// given tells whether the parameter is there.
func (p *params) given(name string) bool {
	_, ok := p.values[name]
	return ok
}

// require complains about each parameter that is not there.
func (p *params) require(names ...string) {
	for _, name := range names {
		if !p.given(name) {
			p.complain(name, missing)
		}
	}
}

// check complains about the value of a parameter unless it is right.
func (p *params) check(name string, right bool) {
	if !right {
		p.complain(name, badValue)
	}
}

// names lists the parameters that are there, in alphabetical order.
func (p *params) names() []string { return slices.Sorted(maps.Keys(p.values)) }

// ignore takes parameters for known ones without reading them.
func (p *params) ignore(names ...string) {
	for _, name := range names {
		p.read[name] = true
	}
}

// take looks a parameter up and notes that it is a known one.
func (p *params) take(name string) (any, bool) {
	p.read[name] = true
	value, ok := p.values[name]
	return value, ok
}

// text reads a string, empty if it is not there.
func (p *params) text(name string) string {
	switch value, given := p.take(name); value := value.(type) {
	case string:
		return value
	case formText:
		return string(value)
	default:
		if given {
			p.complain(name, wrongType)
		}
		return ""
	}
}

// integer reads a whole number, or the fallback if it is not there.
func (p *params) integer(name string, fallback int64) int64 {
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
		p.complain(name, wrongType)
	}
	return number
}

// flag reads true or false, or the fallback if it is not there.
func (p *params) flag(name string, fallback bool) bool {
	switch value, given := p.take(name); value := value.(type) {
	case bool:
		return value
	case formText:
		if value != "true" && value != "false" {
			p.complain(name, wrongType)
		}
		return value == "true"
	default:
		if given {
			p.complain(name, wrongType)
		}
		return fallback
	}
}

// value reads a JSON value into the shape of target and tells whether it was
// there and fits.
func (p *params) value(name string, target any) bool {
	value, given := p.take(name)
	if !given {
		return false
	}
	encoded, err := json.Marshal(value)
	if err == nil {
		err = decodeStrictly(encoded, target)
	}
	if err != nil {
		p.complain(name, wrongType)
	}
	return err == nil
}

// complaint returns the first thing wrong with the parameters read so far, nil
// if there is none. It tolerates parameters that were not read.
func (p *params) complaint() *complaint { return p.first }

// strictComplaint is complaint, and takes a parameter that was not read for an
// unknown one.
func (p *params) strictComplaint() *complaint {
	for name := range p.values {
		if !p.read[name] {
			p.complain(name, unknown)
		}
	}
	return p.first
}

// decodeStrictly decodes one JSON value and refuses unknown fields and anything
// after the value.
func decodeStrictly(data []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return fmt.Errorf("the JSON is not as expected: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the JSON value")
	}
	return nil
}
