package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// inputError is a mistake of the caller: a 400 that names the field, what was
// given and what is allowed.
type inputError struct{ message string }

func (e *inputError) Error() string { return e.message }

// invalid is an inputError about one field.
func invalid(field, format string, args ...any) error {
	return &inputError{field + ": " + fmt.Sprintf(format, args...)}
}

// refuse is an inputError about no single field.
func refuse(format string, args ...any) error {
	return &inputError{fmt.Sprintf(format, args...)}
}

// capacityError says that a limit of ours is reached: a 429.
type capacityError struct{ message string }

func (e *capacityError) Error() string { return e.message }

// connectionError is a failure at the exchange of a connection.
type connectionError struct {
	connection string
	err        error
}

func (e *connectionError) Error() string { return e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// answer turns the error of a path handler into what Vault's user sees.
func answer(err error) (*logical.Response, error) {
	var input *inputError
	var capacity *capacityError
	var failure *exchanges.Error
	var coded logical.HTTPCodedError
	switch {
	case errors.Is(err, logical.ErrReadOnly):
		return nil, logical.ErrReadOnly
	case errors.As(err, &input):
		return logical.ErrorResponse(err.Error()), nil
	case errors.As(err, &capacity):
		return nil, logical.CodedError(http.StatusTooManyRequests, capacity.message)
	case errors.As(err, &failure):
		return exchangeAnswer(err, failure)
	case errors.As(err, &coded):
		// Only a bare one keeps its status on the way to Vault.
		return nil, logical.CodedError(coded.Code(), err.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return nil, logical.CodedError(http.StatusServiceUnavailable, err.Error()+"; try again")
	}
	return nil, err
}

// exchangeAnswer sorts an exchange's failures by who can do something.
func exchangeAnswer(err error, failure *exchanges.Error) (*logical.Response, error) {
	switch failure.Kind {
	case exchanges.ErrAuth, exchanges.ErrPermission:
		hint := ""
		var at *connectionError
		if errors.As(err, &at) {
			hint = fmt.Sprintf("; check config/%s, which an operator can do with config/%[1]s/check", at.connection)
		}
		return nil, logical.CodedError(http.StatusBadGateway, err.Error()+hint)
	case exchanges.ErrRateLimited:
		return nil, logical.CodedError(http.StatusTooManyRequests, fmt.Sprintf("%s; try again in %s", err, retryIn(failure)))
	case exchanges.ErrKeyCap:
		return nil, logical.CodedError(http.StatusTooManyRequests, fmt.Sprintf("%s; revoke leases that are no longer used, or add sub-accounts to the role", err))
	case exchanges.ErrUnavailable, exchanges.ErrOutcomeUnknown:
		return nil, logical.CodedError(http.StatusBadGateway, fmt.Sprintf("%s; try again", err))
	}
	return logical.ErrorResponse(err.Error()), nil
}

func retryIn(failure *exchanges.Error) time.Duration {
	return max(time.Second, failure.RetryAfter.Round(time.Second))
}
