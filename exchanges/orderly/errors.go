package orderly

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// tooManyRequests is the wait after a refusal for rate that names none. The limits
// are per second or per minute.
const tooManyRequests = 5 * time.Second

// unwrapper reads answers; tooMany is the wait after a refusal for rate.
type unwrapper struct{ tooMany time.Duration }

// unwrap reads an answer. It leaves the envelope on, since its timestamp is the
// clock.
func (o unwrapper) unwrap(answer rest.Answer) ([]byte, error) {
	var envelope struct {
		Success *bool  `json:"success"`
		Code    *int64 `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(answer.Body, &envelope); err != nil || envelope.Success == nil {
		return nil, o.rateLimited(rest.StatusError(answer), answer)
	}
	if *envelope.Success {
		return answer.Body, nil
	}
	failure := rest.StatusError(answer)
	failure.Message = envelope.Message
	if envelope.Code != nil {
		failure = meaning(*envelope.Code, envelope.Message, failure)
		failure.Code, failure.Message = strconv.FormatInt(*envelope.Code, 10), envelope.Message
	}
	return nil, o.rateLimited(failure, answer)
}

// rateLimited adds how long to wait to a failure, if it is one for rate.
func (o unwrapper) rateLimited(failure *exchanges.Error, answer rest.Answer) *exchanges.Error {
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = max(rest.RetryAfter(answer.Header), o.tooMany)
	}
	return failure
}

// meaning sorts Orderly's codes
// (https://orderly.network/docs/build-on-omnichain/error-codes). A code that is
// not listed means what the HTTP status means.
func meaning(code int64, message string, status *exchanges.Error) *exchanges.Error {
	says := func(part string) bool { return strings.Contains(strings.ToLower(message), part) }
	switch {
	case says("timestamp"):
		// No code is documented for a wrong clock.
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case code == -1000 && says("not exist"), code == -1006:
		return &exchanges.Error{Kind: exchanges.ErrNotFound}
	}
	switch code {
	case -1000:
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case -1001:
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check that no proxy changes requests"}
	case -1002:
		return &exchanges.Error{
			Kind: exchanges.ErrAuth,
			Remedy: "the key is unknown, has expired, was removed, lacks a scope, or does not work from this address: " +
				"Orderly does not say which",
		}
	case -1003:
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case -1007:
		return &exchanges.Error{Kind: exchanges.ErrConflict}
	case -1614:
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check broker and environment: not every broker is on testnet"}
	}
	return &exchanges.Error{Kind: status.Kind}
}
