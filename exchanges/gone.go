package exchanges

import (
	"errors"
	"slices"
)

// AsGone turns the refusal of a deletion into an [ErrNotFound] if it has one of the codes
// with which the exchange says that a key does not exist, and does not say which: the
// calling key, or the one to be deleted. Any other failure is returned as it is.
func AsGone(refusal error, codes ...string) error {
	var failure *Error
	if !errors.As(refusal, &failure) || !slices.Contains(codes, failure.Code) {
		return refusal
	}
	gone := *failure
	gone.Kind, gone.Remedy = ErrNotFound, ""
	return &gone
}
