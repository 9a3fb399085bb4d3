package kucoin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Waits that KuCoin requires without saying so in a header.
const (
	// addressWait is how long KuCoin's firewall shuts out an address.
	addressWait = 30 * time.Second
	// frequencyWait is for the older limit on single endpoints.
	frequencyWait = 10 * time.Second
)

// codeAddressLimit is the firewall's limit on requests from one address.
const codeAddressLimit = "1015"

// unwrap reads an answer. Failures come with HTTP 200 as well as with other
// statuses, successes only with 200.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e rest.Envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil || e.Code == "" {
		return nil, foreign(answer)
	}
	if e.Code == "200000" && answer.Status == http.StatusOK {
		return e.Data, nil
	}
	failure := meaning(string(e.Code))
	if failure == nil {
		failure = rest.UnknownCode(answer)
		if strings.HasPrefix(string(e.Code), "5") || e.Code == "200000" {
			// A success with another status should not happen.
			failure.Kind = exchanges.ErrOutcomeUnknown
		}
	}
	failure.Code, failure.Message = string(e.Code), e.Msg
	if failure.Kind == exchanges.ErrRateLimited && failure.RetryAfter == 0 {
		failure.RetryAfter = resetIn(answer.Header)
	}
	return nil, failure
}

// foreign is the failure for an answer without KuCoin's envelope, which may be its
// firewall's page.
func foreign(answer rest.Answer) *exchanges.Error {
	refused := answer.Status == http.StatusForbidden || answer.Status == http.StatusTooManyRequests
	if refused && bytes.Contains(answer.Body, []byte(codeAddressLimit)) {
		failure := meaning(codeAddressLimit)
		failure.Code = codeAddressLimit
		return failure
	}
	return rest.StatusError(answer)
}

// meaning sorts KuCoin's codes (https://www.kucoin.com/docs-new/error-code); nil
// for a code that is not known to concern keys.
func meaning(code string) *exchanges.Error {
	switch code {
	case "400001":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that no proxy strips request headers"}
	case "400002":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "400003":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key, and that environment is the site where the key was made"}
	case "400004":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check passphrase"}
	case "400005":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case "400008", "400009":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "the root key is of an old version; make a new one"}
	case "400006":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "400007", "400010":
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "the root key must be one of the master account, with the General permission",
		}
	case "400100", "400101", "400102":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "400301", "400302", "400303", "400304":
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "KuCoin does not serve this account's region, or the account must complete identity verification",
		}
	case "411100", "411200":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "KuCoin has frozen the account or barred it from this call; ask KuCoin's support"}
	case "404000", "415000":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url, and that no proxy changes requests"}
	case "429000", "429001":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "200002":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: frequencyWait}
	case codeAddressLimit:
		return &exchanges.Error{
			Kind: exchanges.ErrRateLimited, Err: rest.ErrBanned, RetryAfter: addressWait,
			Remedy: "KuCoin's firewall shuts out this host's address for a while: it makes too many requests",
		}
	case "230005", "500000", "503000", "504000":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return nil
}

// The headers of every private answer (https://www.kucoin.com/docs-new/rate-limit).
const (
	headerRemaining = "gw-ratelimit-remaining"
	headerReset     = "gw-ratelimit-reset"
)

// quota reads what is left of the pool, counted in deletions, so that there is
// always room for one.
func quota(header http.Header) (rest.Quota, bool) {
	weight, err := strconv.Atoi(header.Get(headerRemaining))
	return rest.Quota{Remaining: weight / weightOfDeletion, ResetIn: resetIn(header)}, err == nil
}

// resetIn returns how long it is until the pool is full again; zero if the answer
// does not say.
func resetIn(header http.Header) time.Duration {
	ms, err := strconv.ParseInt(header.Get(headerReset), 10, 64)
	if err != nil || ms < 0 {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
