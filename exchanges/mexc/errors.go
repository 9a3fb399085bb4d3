package mexc

import (
	"encoding/json"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// unwrap reads an answer. A success is bare, without an envelope. Some failures
// come with HTTP 200, so a code other than 0 is a failure whatever the status.
func unwrap(answer rest.Answer) ([]byte, error) {
	var body struct {
		Code rest.Text `json:"code"`
		Msg  string    `json:"msg"`
	}
	if answer.Status == http.StatusOK && isArray(answer.Body) && json.Valid(answer.Body) {
		return answer.Body, nil // A bare list has no code.
	}
	err := json.Unmarshal(answer.Body, &body)
	failed := body.Code != "" && body.Code != "0"
	if answer.Status == http.StatusOK && err == nil && !failed {
		return answer.Body, nil
	}
	failure := rest.StatusError(answer)
	if err == nil && failed {
		failure = meaning(string(body.Code), failure)
		failure.Code, failure.Message = string(body.Code), body.Msg
	}
	switch {
	case answer.Status >= http.StatusInternalServerError:
		// MEXC's text: the status of the execution is unknown.
		failure.Kind = exchanges.ErrOutcomeUnknown
	case answer.Status == http.StatusTeapot:
		failure.Kind, failure.Err = exchanges.ErrRateLimited, rest.ErrBanned
		failure.Remedy = "MEXC has banned this address for a while: too many requests after refusals"
	case answer.Status == http.StatusTooManyRequests:
		failure.Kind = exchanges.ErrRateLimited
	case failure.Code == "" && answer.Status == http.StatusForbidden:
		failure.Remedy = "MEXC's web firewall refuses this address or the request's words"
	}
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = rest.RetryAfter(answer.Header)
	}
	return nil, failure
}

// meaning sorts MEXC's codes
// (https://www.mexc.com/api-docs/spot-v3/error-code). A code that is not
// listed means what the HTTP status means.
func meaning(code string, status *exchanges.Error) *exchanges.Error {
	const rights = "use a root key of the master account with SPOT_ACCOUNT_READ and SPOT_ACCOUNT_WRITE"
	switch code {
	case "602", "700002":
		// MEXC reports this for wrong times too. The call did not run, so it is
		// safe to repeat it once the clock has been measured again.
		return &exchanges.Error{Kind: exchanges.ErrAuth, Err: rest.ErrClock, Remedy: "check api_secret, and this host's clock"}
	case "400", "700001", "10072":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key, and that the key has not expired: one without addresses does after 90 days"}
	case "700003", "10073":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "401", "403", "700007":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: rights}
	case "700006":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "26", "730003":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "MEXC does not allow this for the account; " + rights}
	case "10099":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account's sub-account function is not open; open it on MEXC's website"}
	case "730100":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "MEXC has restricted the account or the sub-account; ask MEXC's support"}
	case "140002":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the sub-account is frozen; lift that on MEXC's website"}
	case "140001":
		// This is not ErrNotFound, which would prove that a key is gone: the API
		// deletes no sub-account, so it may be another master's.
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check the sub-account's name, and that it belongs to the root key's master account"}
	case "730001":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check the sub-account's name"}
	case "730705":
		return &exchanges.Error{Kind: exchanges.ErrKeyCap, Remedy: "use another sub-account, or delete keys that nobody needs"}
	case "730706":
		return &exchanges.Error{Kind: exchanges.ErrNotFound}
	case "730101":
		return &exchanges.Error{Kind: exchanges.ErrConflict}
	case "730703", "730704":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "MEXC accepts up to 10 IPv4 addresses"}
	case "700013":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that no proxy changes request headers"}
	case "700005", "700008", "22222", "730000", "730002", "730600", "730601", "730602", "730700", "730701", "730702", "730707":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "429":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "500", "503", "504":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return &exchanges.Error{Kind: status.Kind}
}
