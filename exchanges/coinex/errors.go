package coinex

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// codeDone is the code of a success.
const codeDone = "0"

var (
	// errNoRight is wrapped by the refusal of a key that is not the main account's,
	// or of a sub-account that may have no keys.
	errNoRight = errors.New("the right is missing")
	// errUndocumented is wrapped by the error for an answer whose code nothing is
	// known about.
	errUndocumented = errors.New("the code is not documented")
)

// unwrap reads an answer. The payload of a success is the whole envelope, since a
// list's envelope says whether there is more. Failures come with HTTP 200 as well
// as with other statuses, successes only with 200.
func unwrap(answer rest.Answer) ([]byte, error) {
	var envelope struct {
		Code    rest.Text `json:"code"`
		Message string    `json:"message"`
	}
	if err := json.Unmarshal(answer.Body, &envelope); err != nil || envelope.Code == "" {
		return nil, rest.StatusError(answer)
	}
	code := string(envelope.Code)
	if code == codeDone && answer.Status == http.StatusOK {
		return answer.Body, nil
	}
	failure := meaning(code)
	switch {
	case code == codeDone:
		// This should not happen.
		failure = &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case failure == nil:
		failure = rest.UnknownCode(answer)
		failure.Err = errUndocumented
	}
	failure.Code, failure.Message = code, envelope.Message
	return nil, failure
}

// meaning sorts CoinEx's codes: those that it documents
// (https://docs.coinex.com/api/v2/error), those of the earlier API, which some
// answers still contain, and 3639 and 11005, which are not documented but which
// CoinEx gives, by reports to ccxt, in place of 4004 and 4006. It returns nil for a
// code that is not known to concern keys.
func meaning(code string) *exchanges.Error {
	switch code {
	case "4005":
		return &exchanges.Error{
			Kind:   exchanges.ErrAuth,
			Remedy: "check api_key, and that the key has not expired: one without addresses does after three months; a new one may take 10 minutes",
		}
	case "24", "34":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key, and that the key has not expired: one without addresses does after three months"}
	case "4006", "11005", "25":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case "4008":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check that no proxy changes request headers"}
	case "4007", "23":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "4010", "4017", "227":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "4011", "4018", "4115", "4158":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "CoinEx has barred the account from this; ask CoinEx's support"}
	case "4512", "158":
		return &exchanges.Error{
			Kind: exchanges.ErrPermission, Err: errNoRight,
			Remedy: "use a root key of the main account, and give the sub-account the API permission on CoinEx's website",
		}
	case "4004", "3639":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "4009":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url, and that no proxy changes requests"}
	case "4213", "4123", "213":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "3008", "4001", "4002", "35", "36":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Err: rest.ErrBusy}
	case "4003":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return nil
}

// refusesParameters reports whether CoinEx may accept the call with fewer
// parameters. A code that is not documented counts as well, since CoinEx does not
// document all that it gives.
func refusesParameters(err error) bool {
	return errors.Is(err, exchanges.ErrInvalid) && !errors.Is(err, rest.ErrClock)
}

// knowsKey reports whether a refusal shows that CoinEx knows the key that asked:
// it refuses the key's address, its user, or what the key wants to do. Any other
// code, above all one that is not documented, shows nothing.
func knowsKey(err error) bool {
	var refusal *exchanges.Error
	return errors.As(err, &refusal) &&
		slices.Contains([]string{"4007", "23", "4011", "4018", "4115", "4158", "4512", "158"}, refusal.Code)
}
