package hyperliquid

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// tooManyRequests is the wait after HTTP 429, for which none is documented.
const tooManyRequests = 10 * time.Second

// errNoAgent is wrapped by the refusal that an agent does not exist. It is never
// ErrNotFound: a removal is proved by the list, and an approval asks for no agent.
var errNoAgent = errors.New("the agent does not exist")

// unwrapper reads the answers to one account.
type unwrapper struct {
	// address is the account's own, as refusals name it.
	address string
	// coolDown is how long the account refuses approvals after a removal, and
	// tooMany how long to wait after HTTP 429.
	coolDown, tooMany time.Duration
}

// unwrap reads an answer. Actions have an envelope, in which failures are
// sentences without a code; information has none.
func (o unwrapper) unwrap(answer rest.Answer) ([]byte, error) {
	if answer.Status != http.StatusOK || !json.Valid(answer.Body) {
		failure := rest.StatusError(answer)
		switch answer.Status {
		case http.StatusTooManyRequests:
			// The limit counts by network address, whatever the call.
			failure.RetryAfter, failure.Err = max(failure.RetryAfter, o.tooMany), rest.ErrBanned
		case http.StatusUnprocessableEntity:
			failure.Remedy = "Hyperliquid does not understand the request, which may mean that its API has changed"
		}
		return nil, failure
	}
	var action struct {
		Status   string `json:"status"`
		Response any    `json:"response"`
	}
	if err := json.Unmarshal(answer.Body, &action); err != nil || action.Status != "err" {
		return answer.Body, nil
	}
	sentence, told := action.Response.(string)
	if !told {
		return nil, &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Message: "a failure without a reason"}
	}
	failure := o.meaning(sentence)
	failure.Message = sentence
	return nil, failure
}

// meaning sorts Hyperliquid's sentences. They are not documented as a whole: those
// about key management were observed.
func (o unwrapper) meaning(sentence string) *exchanges.Error {
	says := func(part string) bool { return strings.Contains(strings.ToLower(sentence), part) }
	switch {
	case says("must deposit before") && says(o.address):
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "deposit USDC to the account first; an agent's key cannot take the place of the wallet's own",
		}
	case says("must deposit before"):
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "the signature leads to another address: check environment and base_url"}
	case says("user or api wallet"):
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "the key belongs to no account, or is an agent that was removed"}
	case says("vault may not perform"):
		return &exchanges.Error{Kind: exchanges.ErrPermission}
	case says("too many extra agents"):
		return &exchanges.Error{
			Kind: exchanges.ErrKeyCap,
			Remedy: "the account has no free agent slot (3, and 2 more for each sub-account; agents made by hand count too): " +
				"revoke a lease or remove an agent",
		}
	case says("agent already used"):
		return &exchanges.Error{Kind: exchanges.ErrConflict}
	case says("pending agent removal"):
		return &exchanges.Error{Kind: exchanges.ErrRateLimited, RetryAfter: o.coolDown}
	case says("agent does not exist"):
		return &exchanges.Error{
			Kind: exchanges.ErrPermission, Err: errNoAgent,
			Remedy: "Hyperliquid was seen to say this of an account that has no standard (unnamed) agent yet: connect the wallet on " +
				"Hyperliquid's website, enable trading there, which approves one, and try again",
		}
	case says("valid_until"):
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "an agent lives at most 180 days; check max_ttl and this host's clock"}
	case says("nonce"):
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	}
	return &exchanges.Error{Kind: exchanges.ErrInvalid}
}
