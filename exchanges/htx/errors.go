package htx

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// codeSuccess is the code of a success of version 2.
const codeSuccess = "200"

// envelope surrounds every answer: status and err-code in version 1 of the API and
// in what its gateway says, whichever the version; code in version 2.
type envelope struct {
	Status  string    `json:"status"`
	ErrCode string    `json:"err-code"`
	ErrMsg  string    `json:"err-msg"`
	Code    rest.Text `json:"code"`
	Message string    `json:"message"`
}

// result is what a success holds besides the envelope.
type result[T any] struct {
	Data T `json:"data"`
	// NextID is where the next page begins; empty on the last.
	NextID rest.Text `json:"nextId"`
}

// unwrap reads an answer. HTX sends most failures with HTTP 200, so the code
// decides.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil {
		return nil, rest.StatusError(answer)
	}
	var failure *exchanges.Error
	switch {
	case e.Code == codeSuccess || e.Code == "" && e.Status == "ok":
		return answer.Body, nil
	case e.Code != "":
		failure = meaning(string(e.Code), e.Message)
		failure.Code, failure.Message = string(e.Code), e.Message
	case e.ErrCode != "":
		failure = gatewayMeaning(e.ErrCode, e.ErrMsg)
		failure.Code, failure.Message = e.ErrCode, e.ErrMsg
	default:
		return nil, rest.StatusError(answer)
	}
	if failure.Kind == exchanges.ErrInvalid && failure.Err == nil && answer.Status >= http.StatusInternalServerError {
		failure.Kind = exchanges.ErrOutcomeUnknown
	}
	return nil, failure
}

// meaning sorts the codes of version 2
// (https://huobiapi.github.io/docs/spot/v1/en/#sub-user-management).
func meaning(code, message string) *exchanges.Error {
	switch code {
	case "403", "1002":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "use a root key of the parent user that has the Trade permission"}
	case "429", "1006":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "500":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case "1003":
		return authentication(message)
	case "2000":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "2014":
		return &exchanges.Error{Kind: exchanges.ErrKeyCap, Remedy: "use another sub-user, or delete keys that nobody needs"}
	case "2016":
		return &exchanges.Error{Kind: exchanges.ErrConflict}
	}
	return &exchanges.Error{Kind: exchanges.ErrInvalid}
}

// gatewayMeaning sorts the codes of version 1 and of the gateway.
func gatewayMeaning(code, message string) *exchanges.Error {
	switch code {
	case "api-signature-not-valid", "api-signature-check-failed":
		return authentication(message)
	case "login-required":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check that no proxy strips the query string"}
	case "rate-too-many-requests", "base-request-exceed-frequency-limit":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "method-not-allowed":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url"}
	case "gateway-internal-error":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case "system-maintenance":
		return &exchanges.Error{Kind: exchanges.ErrUnavailable}
	}
	return &exchanges.Error{Kind: exchanges.ErrInvalid}
}

// authentication sorts refusals by their texts, since HTX has one code for all of
// them.
func authentication(message string) *exchanges.Error {
	for _, known := range []struct {
		text  string
		means exchanges.Error
	}{
		{"submission time", exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}},
		{"access key", exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key"}},
		{"expired", exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "the root key has expired; make a new one, bound to addresses, on HTX's website"}},
		{"ip address", exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}},
		{"no permission", exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key the Trade permission"}},
	} {
		if strings.Contains(strings.ToLower(message), known.text) {
			return &known.means
		}
	}
	return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret or private_key, and that base_url is the host that HTX sees: the host is signed"}
}

// quota reads the headers about the limit that the call drew on.
func quota(header http.Header) (rest.Quota, bool) {
	remaining, err := strconv.Atoi(header.Get("X-HB-RateLimit-Requests-Remain"))
	if err != nil {
		return rest.Quota{}, false
	}
	reset, err := strconv.ParseInt(header.Get("X-HB-RateLimit-Requests-Expire"), 10, 64)
	return rest.Quota{Remaining: remaining, Reset: time.UnixMilli(reset)}, err == nil
}
