package deribit

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Codes that the driver checks for.
const (
	codeUnauthorized = 13009
	codeTooManyCodes = 12998
	codeSecondFactor = 13668
)

// backOff is how long to wait after a refusal for rate. Deribit names no time,
// and gives back 20 requests a second.
const backOff = time.Second

// Causes of a refusal that the driver checks for.
var (
	// errTokenRevoked: the token was revoked, so a new login is needed.
	errTokenRevoked = errors.New("the token is revoked")
	// errCodeSpent: the one-time code has been used, by anyone, or came too late.
	errCodeSpent = errors.New("the one-time code is spent")
)

// envelope surrounds every answer.
type envelope struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int64           `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
}

// details are the members of an error's data that matter. Some errors lack them, or
// have no data at all.
type details struct {
	Param  string  `json:"param"`
	Reason string  `json:"reason"`
	Wait   float64 `json:"wait"`
}

// maxWait bounds a wait that an answer asks for.
const maxWait = time.Hour

func (d details) wait() time.Duration {
	return time.Duration(max(0, min(d.Wait, maxWait.Seconds())) * float64(time.Second))
}

// unwrap reads an answer. The code in the body decides, whatever the HTTP status.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil || e.Error == nil && e.Result == nil {
		return nil, rest.StatusError(answer)
	}
	if e.Error == nil {
		// A demand for a second factor looks like a success.
		if wanted := readDemand(e.Result); wanted != nil {
			return nil, wanted.failure()
		}
		return e.Result, nil
	}
	var data details
	_ = json.Unmarshal(e.Error.Data, &data)
	failure := meaning(e.Error.Code, e.Error.Message, data)
	if failure == nil {
		failure = rest.UnknownCode(answer)
	}
	failure.Code = strconv.FormatInt(e.Error.Code, 10)
	parts := []string{e.Error.Message, data.Param, data.Reason}
	failure.Message = strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
	return nil, failure
}

// meaning sorts Deribit's codes (https://docs.deribit.com/articles/errors); nil for a
// code that is not known to concern keys. That page has two tables, which give some
// codes different meanings: there the message decides.
func meaning(code int64, message string, data details) *exchanges.Error {
	switch code {
	case 10001:
		if message == "error" {
			return nil // By the longer table it is any failure.
		}
		return notAccepted(rest.ErrClock)
	case 13010:
		if message == "value_required" {
			return &exchanges.Error{Kind: exchanges.ErrInvalid}
		}
		return notAccepted(errTokenRevoked)
	case 13011:
		if message == "value_too_short" {
			return &exchanges.Error{Kind: exchanges.ErrInvalid}
		}
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key account:read_write"}
	case 13004, codeUnauthorized, 10000:
		// Deribit has no code of its own for a wrong timestamp.
		return notAccepted(rest.ErrClock)
	case 13021, 11042:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key account:read_write"}
	case 13403:
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "give the root key every scope that roles are to give; it cannot make or touch a key that exceeds it",
		}
	case 13012:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "Deribit allows this only in the main account"}
	case codeSecondFactor:
		return secondFactorRefused(data)
	case codeTooManyCodes:
		return &exchanges.Error{
			Kind: exchanges.ErrAuth, RetryAfter: data.wait(),
			Remedy: "too many wrong one-time codes: check totp_secret and this host's clock before trying again",
		}
	case 13904:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "complete the account's two-factor setup on Deribit's website"}
	case 11098:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "Deribit has locked the account; ask Deribit's support"}
	case 10028, 10066, 10047:
		return &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: backOff}
	case -32601:
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url"}
	case -32602, -32000, -32700, 11029, 11050, 12001, 13008, 13016:
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case 13020:
		return &exchanges.Error{Kind: exchanges.ErrNotFound}
	case 10040, 11051, 13025, 13028, 13503:
		return &exchanges.Error{Kind: exchanges.ErrUnavailable, Remedy: "Deribit is under maintenance; try again later"}
	case 11094, 13888:
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return nil
}

// notAccepted is the refusal of a key or a login.
func notAccepted(cause error) *exchanges.Error {
	return &exchanges.Error{
		Kind: exchanges.ErrAuth, Err: cause,
		Remedy: "check that the root key exists in the connection's environment, its secret or private_key, " +
			"that its address list includes this host, and this host's clock",
	}
}

// secondFactorRefused says why a one-time code was not accepted.
func secondFactorRefused(data details) *exchanges.Error {
	if data.Reason == "used_tfa_code" || data.Reason == "challenge_timeout" {
		return &exchanges.Error{
			Kind: exchanges.ErrAuth, Err: errCodeSpent,
			Remedy: "let nothing but this connection use the account's one-time codes",
		}
	}
	return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check totp_secret, and this host's clock"}
}

// refusesToken reports whether Deribit refuses a call for its token, for which a new
// login may be the remedy. The call did not run.
func refusesToken(err error) bool {
	return hasCode(err, codeUnauthorized) || errors.Is(err, errTokenRevoked)
}

// hasCode reports whether an error carries that code of Deribit's.
func hasCode(err error, code int64) bool {
	var failure *exchanges.Error
	return errors.As(err, &failure) && failure.Code == strconv.FormatInt(code, 10)
}

// invalid makes a refusal of our own.
func invalid(operation exchanges.Operation, message string) error {
	return &exchanges.Error{Kind: exchanges.ErrInvalid, Exchange: name, Operation: operation, Message: message}
}
