package bybit

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// banned is how long all calls stop after HTTP 403, which Bybit sends when an
// address has made too many requests.
const banned = 10 * time.Minute

// envelope surrounds every answer.
type envelope struct {
	RetCode *int64          `json:"retCode"`
	RetMsg  string          `json:"retMsg"`
	Result  json.RawMessage `json:"result"`
	Time    int64           `json:"time"`
}

// unwrap reads an answer. Bybit sends failures with HTTP 200, so only retCode
// decides.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil || e.RetCode == nil {
		failure := rest.StatusError(answer)
		if answer.Status == http.StatusForbidden {
			failure.Kind, failure.Err, failure.RetryAfter = exchanges.ErrRateLimited, rest.ErrBanned, banned
			failure.Remedy = "Bybit refuses this address: too many requests, or a country that it does not serve"
		}
		return nil, failure
	}
	if *e.RetCode == 0 {
		return e.Result, nil
	}
	failure := meaning(*e.RetCode)
	failure.Code = strconv.FormatInt(*e.RetCode, 10)
	switch *e.RetCode {
	case 10004:
		// Bybit's text repeats the signed string, including the body.
		failure.Message = "error sign"
	case 10006:
		reset, _ := strconv.ParseInt(answer.Header.Get("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
		failure.RetryAfter = max(0, time.Duration(reset-e.Time)*time.Millisecond)
		fallthrough
	default:
		failure.Message = e.RetMsg
	}
	return nil, failure
}

// meaning sorts Bybit's codes (https://bybit-exchange.github.io/docs/v5/error).
func meaning(code int64) *exchanges.Error {
	switch code {
	case 10002, -1:
		return &exchanges.Error{
			Kind: exchanges.ErrInvalid, Err: rest.ErrClock,
			Remedy: "check this host's clock",
		}
	case 10003, 10007, 33004, -2015:
		return &exchanges.Error{
			Kind:   exchanges.ErrAuth,
			Remedy: "check that the root key exists, has not expired, and belongs to the connection's environment",
		}
	case 10004:
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret or private_key"}
	case 10005:
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "the root key must be a read-write key of the master account with a Wallet right",
		}
	case 10006, 429:
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case 10008, 10009, 10024, 10027:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "Bybit has banned the account or does not serve its region"}
	case 10010:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case 10000, 10014, 10016:
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case 10017:
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url"}
	case 10028, 100028:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "this needs another account mode (unified or classic)"}
	case 20096:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account must pass identity verification first"}
	case 500010:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the sub-account belongs to another master account"}
	case 141004:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the sub-account is frozen or banned; lift that at Bybit"}
	case 81007, 141019, 141020:
		return &exchanges.Error{Kind: exchanges.ErrUnsupported, Remedy: "Bybit allows this on its website only"}
	}
	return &exchanges.Error{Kind: exchanges.ErrInvalid}
}

// quota reads the headers that come with every answer.
func quota(header http.Header) (rest.Quota, bool) {
	remaining, err := strconv.Atoi(header.Get("X-Bapi-Limit-Status"))
	if err != nil {
		return rest.Quota{}, false
	}
	reset, err := strconv.ParseInt(header.Get("X-Bapi-Limit-Reset-Timestamp"), 10, 64)
	return rest.Quota{Remaining: remaining, Reset: time.UnixMilli(reset)}, err == nil
}
