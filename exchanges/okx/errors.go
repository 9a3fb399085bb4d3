package okx

import (
	"bytes"
	"encoding/json"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// codeNoKey says that the calling key does not exist. Its text is that of 59506, of
// the key that the call is about.
const codeNoKey = "50119"

// unwrap reads an answer. The code decides; the HTTP status counts only where there
// is no known code.
func unwrap(answer rest.Answer) ([]byte, error) {
	var e rest.Envelope
	if err := json.Unmarshal(answer.Body, &e); err != nil || e.Code == "" {
		return nil, rest.StatusError(answer)
	}
	if e.Code == "0" {
		// A success without a list proves nothing, least of all that a key is
		// not listed. A list that is null is an empty one.
		if !bytes.HasPrefix(e.Data, []byte("[")) && string(e.Data) != "null" {
			return nil, &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown, Message: "a success without data"}
		}
		return e.Data, nil
	}
	failure := meaning(string(e.Code))
	if failure == nil {
		failure = rest.UnknownCode(answer)
	}
	failure.Code, failure.Message = string(e.Code), e.Msg
	return nil, failure
}

// meaning sorts OKX's codes (https://www.okx.com/docs-v5/en/#error-code); nil for a
// code that is not known to concern keys.
func meaning(code string) *exchanges.Error {
	switch code {
	case "50000", "50002", "50006", "50014", "50015", "50016", "51000", "59503", "59504", "59505":
		return &exchanges.Error{Kind: exchanges.ErrInvalid}
	case "50001", "50046", "50062":
		return &exchanges.Error{Kind: exchanges.ErrUnavailable}
	case "50004", "50026", "50042":
		// A repeated request (50042) means that an earlier one may have run.
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	case "50005":
		return &exchanges.Error{Kind: exchanges.ErrUnsupported, Remedy: "OKX has taken this endpoint out of service"}
	case "50011", "50013", "50040":
		return &exchanges.Error{Kind: exchanges.ErrRateLimited}
	case "50007", "50012", "50100":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "OKX has blocked the account or its API; ask OKX's support"}
	case "50030", "50120":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "give the root key the Trade permission"}
	case "50035":
		return &exchanges.Error{
			Kind:   exchanges.ErrPermission,
			Remedy: "bind the root key to this host's public address: OKX lets only bound keys manage sub-accounts",
		}
	case "50041":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "OKX opens this to accounts on a list of its own; ask OKX's support to put the account on it"}
	case "50038":
		return &exchanges.Error{Kind: exchanges.ErrUnsupported, Remedy: "use another environment than demo"}
	case "50051", "50121":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "OKX does not serve this account's region or this host's address"}
	case "50059", "50060", "59550":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "complete the account's identity verification at OKX"}
	case "50101":
		return &exchanges.Error{
			Kind:   exchanges.ErrAuth,
			Remedy: "check environment: a key made in demo trading works in demo only, any other key everywhere else",
		}
	case "50102", "50112":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Err: rest.ErrClock, Remedy: "check this host's clock"}
	case "50103", "50104", "50106", "50107":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check that no proxy strips request headers"}
	case "50105":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check passphrase"}
	case "50110":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "bind this host's public address to the root key"}
	case "50111":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_key"}
	case "50113", "50114":
		return &exchanges.Error{Kind: exchanges.ErrAuth, Remedy: "check api_secret"}
	case "50115":
		return &exchanges.Error{Kind: exchanges.ErrInvalid, Remedy: "check base_url"}
	case codeNoKey:
		return &exchanges.Error{
			Kind: exchanges.ErrAuth,
			Remedy: "check api_key, and environment: OKX says this about a valid key at the wrong regional host " +
				"(accounts of my.okx.com need eea, of app.okx.com us)",
		}
	case "59500", "59604":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "use a root key of the master account"}
	case "59501":
		return &exchanges.Error{Kind: exchanges.ErrKeyCap, Remedy: "use another sub-account, or delete keys that nobody needs"}
	case "59502":
		return &exchanges.Error{Kind: exchanges.ErrConflict}
	case "59506", "59510", "59605":
		return &exchanges.Error{Kind: exchanges.ErrNotFound}
	case "59508", "59519":
		return &exchanges.Error{Kind: exchanges.ErrPermission, Remedy: "the sub-account is suspended or frozen; lift that at OKX"}
	case "59614", "59619":
		return &exchanges.Error{Kind: exchanges.ErrUnsupported, Remedy: "use a standard sub-account, not a managed one or a broker's"}
	}
	return nil
}
