package bingx

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// errUnlisted is wrapped by a refusal with a code that BingX does not document.
// Nobody knows what such a code means for a call that should make something.
var errUnlisted = errors.New("the code is not documented")

// success is the code of an answer that is no failure.
const success = "0"

// penalty is how long BingX shuts out a client that asked too often, where it does
// not say for how long.
const penalty = 5 * time.Minute

// envelope is what BingX puts around most answers.
type envelope struct {
	rest.Envelope
	Timestamp rest.Milliseconds `json:"timestamp"`
}

// unwrap reads an answer. Some are documented without the envelope too, so a good
// answer without a code is taken as is.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil {
		return nil, statusError(answer)
	}
	good := answer.Status == http.StatusOK
	switch {
	case good && e.Code == "":
		return answer.Body, nil
	case good && e.Code == success:
		return e.Data, nil
	case e.Code == "":
		return nil, statusError(answer)
	}
	failure := meaning(string(e.Code), strings.ToLower(e.Msg), answer)
	failure.Code, failure.Message = string(e.Code), e.Msg
	if answer.Status >= http.StatusInternalServerError {
		failure.Kind = exchanges.ErrOutcomeUnknown
	}
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = e.wait()
	}
	return nil, failure
}

// statusError is the failure for an HTTP status alone. With these three statuses
// BingX's firewall shuts an address out for some minutes.
func statusError(answer rest.Answer) *exchanges.Error {
	failure := rest.StatusError(answer)
	switch answer.Status {
	case http.StatusForbidden, http.StatusTeapot, http.StatusTooManyRequests:
		failure.Kind, failure.Err, failure.RetryAfter = exchanges.ErrRateLimited, rest.ErrBanned, penalty
		failure.Remedy = "BingX's web firewall refuses this address, usually for some minutes after too many requests"
	}
	return failure
}

// unblocked finds the time in milliseconds in a refusal for rate.
var unblocked = regexp.MustCompile(`\b[0-9]{13}\b`)

// wait returns how long a refusal for rate holds, by the clock of the answer.
func (e envelope) wait() time.Duration {
	ms, err := strconv.ParseInt(unblocked.FindString(e.Msg), 10, 64)
	if err != nil {
		return penalty
	}
	now := e.Timestamp.Time
	if now.IsZero() {
		now = time.Now()
	}
	return max(time.UnixMilli(ms).Sub(now), time.Millisecond)
}

// meaning sorts BingX's codes (https://bingx-api.github.io/docs, section "Error
// Codes"). BingX shuts out clients that repeat refused calls, so an unlisted code
// counts as a refusal unless the HTTP status says otherwise.
func meaning(code, said string, answer rest.Answer) *exchanges.Error {
	const clock = "check this host's clock"
	switch code {
	case "100001", "100412":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case "100413":
		return &exchanges.Error{
			Kind:   exchanges.ErrAuth,
			Remedy: "check api_key, and that BingX has not removed the key: it does so after 14 days without use if the key is bound to no address",
		}
	case "100421":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: clock}
	case "80014":
		if strings.Contains(said, timestampName) {
			return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: clock}
		}
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "100004":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key the permissions Read and Manage Subaccounts"}
	case "100403":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "use a key of the main account"}
	case "100419":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "100414", "100441", "101484":
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "BingX is holding the account back, for risk control or until its owner is verified; resolve this on BingX's website",
		}
	case "100410", "109429":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "100450":
		// This is not ErrNotFound, which would prove that a key is gone: the API
		// deletes no sub-account, so it may be another main account's.
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check the sub-account's number, and that it belongs to the root key's main account"}
	case "100400":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "100404":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url"}
	case "100500":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	if answer.Status == http.StatusOK {
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: errUnlisted}
	}
	return statusError(answer)
}
