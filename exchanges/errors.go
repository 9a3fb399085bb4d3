package exchanges

import (
	"errors"
	"strings"
	"time"
)

// Kind is the meaning of a failure, the same at every exchange. A Kind is itself an
// error, so errors.Is(err, ErrRateLimited) tests for a meaning.
type Kind string

// The kinds of failure.
const (
	// ErrAuth: the exchange does not accept the root credential.
	ErrAuth Kind = "authentication failed"
	// ErrPermission: the root credential is valid but may not do this, or not from
	// this address or region.
	ErrPermission Kind = "permission denied"
	// ErrRateLimited: refused for exceeding a rate; the call did not run.
	ErrRateLimited Kind = "rate limited"
	// ErrKeyCap: the sub-account holds as many keys as the exchange allows.
	ErrKeyCap Kind = "key cap reached"
	// ErrInvalid: the exchange refuses the parameters; the same call will
	// fail again.
	ErrInvalid Kind = "invalid request"
	// ErrConflict: the name or label is taken.
	ErrConflict Kind = "conflict"
	// ErrNotFound: the key or sub-account does not exist.
	ErrNotFound Kind = "not found"
	// ErrUnavailable: the exchange cannot be reached or is out of service;
	// the call did not take effect.
	ErrUnavailable Kind = "exchange unavailable"
	// ErrOutcomeUnknown: the call may or may not have taken effect.
	ErrOutcomeUnknown Kind = "outcome unknown"
	// ErrUnsupported: the exchange cannot do this at all.
	ErrUnsupported Kind = "unsupported"
)

// Kinds lists every kind.
func Kinds() []Kind {
	return []Kind{
		ErrAuth, ErrPermission, ErrRateLimited, ErrKeyCap, ErrInvalid, ErrConflict,
		ErrNotFound, ErrUnavailable, ErrOutcomeUnknown, ErrUnsupported,
	}
}

// ErrNotAsked is wrapped by the error of a call that was not made, since its caller
// gave up waiting for its turn. It says nothing of the exchange.
var ErrNotAsked = errors.New("the exchange was not asked")

// Error makes a Kind an error.
func (k Kind) Error() string { return string(k) }

// Error is a failure at an exchange. Its text contains no secret, signature or URL
// query.
type Error struct {
	Kind Kind
	// Exchange is the exchange's name, as in its [Description].
	Exchange string
	// Operation is what was being done.
	Operation Operation
	// Code is the exchange's own error code; empty if there was none.
	Code string
	// Message is the exchange's own text, scrubbed, or ours.
	Message string
	// Remedy says what an operator can do about it, where that is known.
	Remedy string
	// RetryAfter is how long to wait before trying again; zero if unknown.
	RetryAfter time.Duration
	// KeyID is the id of a key that may be left behind, for ErrOutcomeUnknown;
	// empty if even that is unknown.
	KeyID string
	// Err is a cause worth unwrapping, such as context.DeadlineExceeded.
	Err error
}

// Error reads like "bybit: create key: permission denied (10005): message; remedy".
func (e *Error) Error() string {
	if e.Kind == ErrInvalid && e.Exchange == "" && e.Remedy == "" && e.Message != "" {
		return e.Message // No exchange was asked: the message names the field and says what to give.
	}
	var text strings.Builder
	for _, part := range []string{e.Exchange, e.Operation.Words()} {
		if part != "" {
			text.WriteString(part + ": ")
		}
	}
	text.WriteString(string(e.Kind))
	if e.Code != "" {
		text.WriteString(" (" + e.Code + ")")
	}
	if e.Message != "" {
		text.WriteString(": " + e.Message)
	}
	if e.Remedy != "" {
		return strings.TrimRight(text.String(), ". ") + "; " + e.Remedy
	}
	return text.String()
}

// Is makes errors.Is match the kind.
func (e *Error) Is(target error) bool { return target == error(e.Kind) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
