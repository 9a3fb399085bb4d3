package rest

import (
	"encoding/json"
	"net/http"

	"vault-plugin-secrets-exchange/exchanges"
)

// Envelope is around every answer of several exchanges.
type Envelope struct {
	Code Text            `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// UnknownCode is the failure of an answer with a code that is not known to
// concern keys: a parameter is wrong, unless it was the server that failed, which
// leaves open what was done.
func UnknownCode(answer Answer) *exchanges.Error {
	if answer.Status >= http.StatusInternalServerError {
		return &exchanges.Error{Kind: exchanges.ErrOutcomeUnknown}
	}
	return &exchanges.Error{Kind: exchanges.ErrInvalid}
}
