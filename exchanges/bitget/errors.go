package bitget

import (
	"encoding/json"
	"errors"
	"slices"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

const (
	// codeSuccess is the code of every success.
	codeSuccess = "00000"
	// Codes that say that a key does not exist: the calling key, or the one to be
	// deleted.
	codeNoKey     = "40037"
	codeNoUserKey = "40041"
	// codeNotBroker: the account is not a broker's.
	codeNotBroker = "40029"
)

// refusesParameter reports whether a failure says that a parameter is missing, empty,
// wrong or not known.
func refusesParameter(err error) bool {
	var failure *exchanges.Error
	return errors.As(err, &failure) && slices.Contains([]string{"40017", "40019", "40020", "40034"}, failure.Code)
}

// unwrap reads an answer. The code decides; Bitget sends failures with HTTP 400
// as well as with 200.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e rest.Envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil || e.Code == "" {
		return nil, rest.StatusError(answer)
	}
	if e.Code == codeSuccess {
		return e.Data, nil
	}
	failure := meaning(string(e.Code))
	if failure == nil {
		failure = rest.UnknownCode(answer)
	}
	failure.Code, failure.Message = string(e.Code), e.Msg
	return nil, failure
}

// meaning sorts Bitget's codes
// (https://www.bitget.com/api-doc/common/error-code/restapi,
// https://www.bitget.com/api-doc/uta/error-code/restapi); nil for a code that only
// says that a parameter is wrong, or that is not known to concern keys.
func meaning(code string) *exchanges.Error {
	const (
		ofMain    = "use a root key of the main account; if it is one, have Bitget lift the freeze of the sub-account"
		toSupport = "Bitget has restricted the account or its API; ask Bitget's support"
	)
	switch code {
	case "40001", "40002", "40003", "40011":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that no proxy strips request headers"}
	case "40004", "40008", "40911":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "40006", codeNoKey, codeNoUserKey:
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key"}
	case "40009":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret or private_key"}
	case "40012", "40036":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key and passphrase"}
	case "40099":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "the key was made in demo trading; use one that was not"}
	case "22010", "40018", "40038":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "40014", "40040", "25620":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key the right to manage sub-accounts, and bind it to this host's public address"}
	case "40048", "40061", "40068":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: ofMain}
	case codeNotBroker:
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account is not a broker's: set the connection's variant to unified or classic"}
	case "25245", "40084":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account is in classic mode: set the connection's variant to classic, or use a sub-account in unified mode"}
	case "40085":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the account is in unified mode: set the connection's variant to unified"}
	case "40013", "40022", "40023", "40024", "40025", "40026", "40031", "25006", "25007":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: toSupport}
	case "40000", "40103", "40104":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "Bitget does not serve this account's region or this host's address"}
	case "40035", "40100", "40101", "40111":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "complete the account's identity verification at Bitget"}
	case "40028", "40066", "25005":
		// This does not prove that a sub-account is gone: Bitget says the same of
		// one that belongs to somebody else.
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check the sub-account's UID, and that it belongs to the root key's account"}
	case "40063":
		return &exchanges.Error{
			Kind:   exchanges.ErrKeyCap,
			Remedy: "use another sub-account, or delete keys that nobody needs on Bitget's website; keys without permissions count too",
		}
	case "40065":
		return &exchanges.Error{Kind: exchanges.ErrNotFound}
	case "25002":
		return &exchanges.Error{Kind: exchanges.ErrUnsupported}
	case "429", "25004":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "40200":
		return &exchanges.Error{
			Kind:   exchanges.ErrOutcomeUnknown,
			Remedy: "if this lasts, the account's mode may have changed: check the connection's variant",
		}
	case "25000", "25001", "25003", "40010", "40015", "40725", "40808", "45001":
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return nil
}
