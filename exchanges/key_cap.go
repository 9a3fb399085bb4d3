package exchanges

import (
	"errors"
	"fmt"
)

// AsKeyCap turns the refusal of a creation into an [ErrKeyCap] if the list shows as
// many keys as the exchange allows in an account, where no code is documented for that.
// Any other failure is returned as it is, and so is a refusal that the list, or its own
// failure, does not explain.
func AsKeyCap[K any](refusal error, allowed int, list func() ([]K, error)) error {
	var failure *Error
	if !errors.As(refusal, &failure) || failure.Kind != ErrInvalid && failure.Kind != ErrUnsupported {
		return refusal
	}
	keys, err := list()
	if err != nil || len(keys) < allowed {
		return refusal
	}
	full := *failure
	full.Kind = ErrKeyCap
	full.Remedy = fmt.Sprintf("the account holds %d keys, as many as the exchange allows; use another, or delete keys that nobody needs", len(keys))
	return &full
}
