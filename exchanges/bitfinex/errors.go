package bitfinex

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// tooManyRequests is the wait after a refusal for rate, which does not name one.
// Bitfinex shuts an address out of the call for about that long.
const tooManyRequests = time.Minute

// errDeadToken is wrapped by the refusal of a token that has expired, was deleted,
// or never existed.
var errDeadToken = errors.New("the token no longer works")

// unwrapper reads answers; tooMany is the wait after a refusal for rate.
type unwrapper struct{ tooMany time.Duration }

// unwrap reads an answer. A success is a bare array with HTTP 200. A refusal is
// an array ["error", code, text], mostly with HTTP 500, or an object.
func (o unwrapper) unwrap(answer rest.Answer) ([]byte, error) {
	code, text, refused := refusal(answer.Body)
	if !refused && answer.Status == http.StatusOK && json.Valid(answer.Body) {
		return answer.Body, nil
	}
	failure := rest.StatusError(answer)
	if refused {
		failure = meaning(code, text, answer)
		failure.Code, failure.Message = code, text
	}
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = max(rest.RetryAfter(answer.Header), o.tooMany)
	}
	return nil, failure
}

// refusal reads the code and the text of a refusal, if the body is one.
func refusal(body []byte) (code, text string, is bool) {
	var word string
	var number, said rest.Text
	array := []any{&word, &number, &said}
	if json.Unmarshal(body, &array) == nil && word == "error" {
		return string(number), string(said), true
	}
	var object struct {
		Code        rest.Text `json:"code"`
		Error       string    `json:"error"`
		Description string    `json:"error_description"`
	}
	if json.Unmarshal(body, &object) == nil && object.Error != "" {
		return string(object.Code), strings.TrimSpace(object.Error + " " + object.Description), true
	}
	return "", "", false
}

// meaning sorts Bitfinex's codes and, where a code has several meanings, its texts
// (https://docs.bitfinex.com/docs/abbreviations-glossary).
func meaning(code, text string, answer rest.Answer) *exchanges.Error {
	text = strings.ToLower(text)
	says := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(text, part) {
				return true
			}
		}
		return false
	}
	switch {
	case code == "11010", answer.Status == http.StatusTooManyRequests, says("err_rate_limit", "ratelimit"):
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case code == "10114", says("nonce: small"):
		// The call did not run, so it is safe to repeat it with a larger number.
		return &exchanges.Error{
			Kind: exchanges.ErrUnavailable,
			Remedy: "something else uses the root key, or this host's clock was ahead before: give this connection an API key of its own, " +
				"and each Vault server the correct time",
		}
	case code == "11000", code == "20060":
		return &exchanges.Error{Kind: exchanges.ErrUnavailable, Remedy: "Bitfinex is not ready or under maintenance; try again later"}
	case says("temporarily_unavailable", "maintenance"):
		// A gateway may say so too, after the call has run.
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Remedy: "Bitfinex may be under maintenance; try again later"}
	case says("token: invalid"):
		return &exchanges.Error{Kind: exchanges.ErrAuth, Err: errDeadToken}
	case says("permission", "err_auth"):
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key the rights that its roles need, on Bitfinex's website"}
	case says("digest invalid"):
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case code == "10100":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key, and that the key was not removed"}
	case code == "10111", code == "10112", code == "10113", code == "10200":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key and api_secret, and that no proxy changes requests"}
	case code == "10020":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case code == "10000", code == "10001", answer.Status == http.StatusOK:
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return rest.UnknownCode(answer)
}
