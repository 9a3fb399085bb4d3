package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// StatusError is the failure that an answer's HTTP status alone tells, for
// answers whose body is not what the exchange documents: a proxy's or a
// firewall's page, or nothing at all.
func StatusError(answer Answer) *exchanges.Error {
	failure := &exchanges.Error{
		Kind:    exchanges.ErrOutcomeUnknown,
		Message: fmt.Sprintf("HTTP status %d with an answer that is not the exchange's", answer.Status),
	}
	switch {
	case answer.Status == http.StatusUnauthorized:
		failure.Kind = exchanges.ErrAuth
	case answer.Status == http.StatusForbidden:
		failure.Kind = exchanges.ErrPermission
	case answer.Status == http.StatusTooManyRequests:
		failure.Kind = exchanges.ErrRateLimited
		failure.RetryAfter = RetryAfter(answer.Header)
	case answer.Status >= 300 && answer.Status < 400:
		failure.Kind = exchanges.ErrUnavailable
		failure.Remedy = "the exchange redirects elsewhere, which is not followed: check base_url"
	case answer.Status >= 400 && answer.Status < 500:
		failure.Kind = exchanges.ErrInvalid
		failure.Remedy = "check base_url"
	}
	return failure
}

// RetryAfter reads a Retry-After header given in seconds; zero if there is
// none.
func RetryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, maxRetryAfter)) * time.Second
}

// maxRetryAfter is a year, in seconds: much more would not fit a duration.
const maxRetryAfter = 365 * 24 * 60 * 60

// Text is a JSON string or number, kept as the text that was sent: exchanges
// write ids and codes either way, and 64-bit ids do not survive a float.
type Text string

// UnmarshalJSON accepts a string, a number or null.
func (t *Text) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		var text string
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
		*t = Text(text)
		return nil
	}
	if string(data) == "null" {
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	*t = Text(number)
	return nil
}

// List is a JSON array that knows whether it was in the answer at all: an
// absent one must not pass for an empty one where a key is thereby taken for
// deleted.
type List[T any] struct {
	Items []T
	// Present is also set by null, which some encoders write for an empty
	// array.
	Present bool
}

// UnmarshalJSON accepts an array or null.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	l.Present = true
	return json.Unmarshal(data, &l.Items)
}

// Whole reports whether the list was in the answer, and each of its items has a name. Of a
// list that is not whole, nobody can tell what is not in it.
func (l List[T]) Whole(name func(T) string) bool {
	return l.Present && !slices.ContainsFunc(l.Items, func(item T) bool { return name(item) == "" })
}

// Flag is a JSON boolean that exchanges also write as 0 or 1, or as a string.
type Flag bool

// UnmarshalJSON accepts true, false, 0, 1, the same in quotes, and null.
func (f *Flag) UnmarshalJSON(data []byte) error {
	switch text := strings.ToLower(strings.Trim(string(data), `"`)); text {
	case "true", "1":
		*f = true
	case "false", "0", "null", "":
		*f = false
	default:
		return fmt.Errorf("not a boolean")
	}
	return nil
}

// Milliseconds is a time sent as milliseconds since 1970, as a number or in a
// string.
type Milliseconds struct{ time.Time }

// UnmarshalJSON accepts a number, the same in quotes, an empty string or null.
func (m *Milliseconds) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return fmt.Errorf("not a time in milliseconds")
	}
	m.Time = time.UnixMilli(ms).UTC()
	return nil
}

// Seconds is a time sent as seconds since 1970, with or without a fraction, as
// a number or in a string.
type Seconds struct{ time.Time }

// UnmarshalJSON accepts a number, the same in quotes, an empty string or null.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > maxSeconds {
		return fmt.Errorf("not a time in seconds")
	}
	s.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}

// maxSeconds bounds what is taken for a time in seconds: it is far in the
// future, and what is in milliseconds by mistake lies beyond it.
const maxSeconds = 1e11
