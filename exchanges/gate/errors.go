package gate

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// refusal is the body of a failure.
type refusal struct {
	Label   string `json:"label"`
	Message string `json:"message"`
	// Detail takes the place of Message in some answers.
	Detail string `json:"detail"`
}

// unwrap reads an answer. A success is bare, without an envelope, so the HTTP
// status decides.
func unwrap(answer rest.Answer) ([]byte, error) {
	if answer.Status == http.StatusNoContent {
		return nil, nil
	}
	if answer.Status/100 == 2 && json.Valid(answer.Body) {
		return answer.Body, nil
	}
	var r refusal
	if err := json.Unmarshal(answer.Body, &r); answer.Status/100 == 2 || err != nil || r.Label == "" {
		return nil, rest.StatusError(answer)
	}
	failure := meaning(r, answer.Status)
	if failure == nil {
		// The label is unknown, but the status still says something.
		failure = rest.StatusError(answer)
		failure.Remedy = ""
	}
	failure.Code, failure.Message = r.Label, cmp.Or(r.Message, r.Detail)
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = untilReset(answer.Header)
	}
	return nil, failure
}

// meaning sorts Gate's labels
// (https://www.gate.com/docs/developers/apiv4/en/#error-handling); nil for a label
// that is not known to concern keys.
func meaning(r refusal, status int) *exchanges.Error {
	const bind = "bind this host's public address to the root key"
	switch r.Label {
	case "MISSING_REQUIRED_HEADER":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that no proxy strips request headers"}
	case "REQUEST_EXPIRED":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "INVALID_KEY":
		if status != http.StatusUnauthorized {
			// This is not the root key, but the key that the call is about.
			return &exchanges.Error{Kind: exchanges.ErrInvalid}
		}
		return &exchanges.Error{
			Kind:   exchanges.ErrAuth,
			Remedy: "check api_key, and that it belongs to the connection's environment",
		}
	case "INVALID_SIGNATURE", "INVALID_CREDENTIALS":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case "IP_FORBIDDEN":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: bind}
	case "FORBIDDEN":
		if strings.Contains(strings.ToLower(r.Message+r.Detail), "whitelist") {
			return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: bind}
		}
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "use a root key of the main account that may read Account and manage sub-accounts",
		}
	case "READ_ONLY":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key write access to sub-accounts"}
	case "ACCOUNT_LOCKED", "SUB_ACCOUNT_LOCKED":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account is locked; lift that at Gate"}
	case "SUB_ACCOUNT_NOT_FOUND":
		// This is not ErrNotFound, which would prove that a key is gone: Gate never
		// deletes a sub-account, so it must be another main account's.
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that the sub-account belongs to the root key's main account"}
	case "USER_NOT_FOUND":
		// Like SUB_ACCOUNT_NOT_FOUND, this proves nothing of a key.
		return &exchanges.Error{
			Kind: exchanges.ErrInvalid,
			Remedy: "check the sub-account's user ID and the connection's environment; Gate says this too of an account that was " +
				"never used there: transfer something to it on the website once",
		}
	case "INVALID_PARAM_VALUE", "INVALID_ARGUMENT", "INVALID_REQUEST_BODY", "MISSING_REQUIRED_PARAM", "BAD_REQUEST", "INVALID_PROTOCOL":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "NOT_FOUND", "METHOD_NOT_ALLOWED", "NOT_ACCEPTABLE", "INVALID_CONTENT_TYPE":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url, and that no proxy changes requests"}
	case "TOO_MANY_REQUESTS":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "TOO_BUSY", "INTERNAL", "SERVER_ERROR", "INTERNAL_SERVER_ERROR":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return nil
}

// The headers of every answer
// (https://www.gate.com/docs/developers/apiv4/en/#frequency-limit-rule).
const (
	headerRemaining = "X-Gate-RateLimit-Requests-Remain"
	headerReset     = "X-Gate-RateLimit-Reset-Timestamp"
	headerNow       = "X-Out-Time"
)

// quota reads what is left of the limit. The reset is in the past while
// requests are left.
func quota(header http.Header) (rest.Quota, bool) {
	remaining, err := strconv.Atoi(header.Get(headerRemaining))
	if err != nil {
		return rest.Quota{}, false
	}
	reset, err := strconv.ParseInt(header.Get(headerReset), 10, 64)
	return rest.Quota{Remaining: remaining, Reset: time.Unix(reset, 0)}, err == nil
}

// untilReset returns how long a refusal for rate holds: until a time in seconds, by
// a clock that the answer shows in microseconds. It is zero if the answer does not
// say.
func untilReset(header http.Header) time.Duration {
	reset, resetErr := strconv.ParseInt(header.Get(headerReset), 10, 64)
	now, nowErr := strconv.ParseInt(header.Get(headerNow), 10, 64)
	if resetErr != nil || nowErr != nil {
		return 0
	}
	return max(0, time.Unix(reset, 0).Sub(time.UnixMicro(now)))
}
