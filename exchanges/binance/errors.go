package binance

import (
	"encoding/json"
	"net/http"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Codes that account.go checks for.
const (
	// codeBadKey: an unknown key, a wrong address or a missing permission.
	codeBadKey = -2015
	// codeLinkAccount: an Exchange Link account called the sub-account API.
	codeLinkAccount = -10038
)

// unwrap reads an answer. A success has HTTP status 200 and no envelope.
func unwrap(answer rest.Answer) ([]byte, error) {
	if answer.Status == http.StatusOK && json.Valid(answer.Body) {
		return answer.Body, nil
	}
	var body struct {
		Code *int64 `json:"code"`
		Msg  string `json:"msg"`
	}
	failure := rest.StatusError(answer)
	if err := json.Unmarshal(answer.Body, &body); err == nil && body.Code != nil {
		failure = meaning(*body.Code, failure)
		failure.Code, failure.Message = strconv.FormatInt(*body.Code, 10), body.Msg
	}
	switch {
	case answer.Status >= 500:
		// Binance's text: the status of the execution is unknown.
		failure.Kind = exchanges.ErrOutcomeUnknown
	case answer.Status == http.StatusTeapot:
		failure.Kind, failure.Err = exchanges.ErrRateLimited, rest.ErrBanned
		failure.Remedy = "Binance has banned this address for a while: too many requests after refusals"
	case failure.Code == "" && answer.Status == http.StatusForbidden:
		failure.Remedy = "Binance's web firewall refuses this address or the request's words"
	}
	if failure.Kind == exchanges.ErrRateLimited {
		failure.RetryAfter = rest.RetryAfter(answer.Header)
	}
	return nil, failure
}

// meaning sorts Binance's codes
// (https://developers.binance.com/docs/binance-spot-api-docs/errors). A code
// that is not listed means what the HTTP status means.
func meaning(code int64, status *exchanges.Error) *exchanges.Error {
	switch code {
	case -1000, -1006, -1007, -1008, -1016:
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case -1002:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "check the root key's options and the connection's variant"}
	case -1003:
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case -1021:
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case -1022:
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret or private_key"}
	case -2008, -2014, codeBadKey:
		return &exchanges.Error{
			Kind: exchanges.ErrAuth,
			Remedy: "check that the root key exists, that its list includes this host's public address, " +
				"and that it has the option Enable Spot & Margin Trading",
		}
	case -9000, 100001002:
		return &exchanges.Error{Kind: exchanges.ErrUnsupported, Remedy: "Binance does not offer this for this account or key type"}
	case codeLinkAccount:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account is an Exchange Link account: set the connection's variant to link"}
	}
	return &exchanges.Error{Kind: status.Kind}
}
