package deribit

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The conformance suite checks the recorded failures; these are the parts of an
// answer beyond the kind.
func TestUnwrap(t *testing.T) {
	unwrapped := func(status int, body string) ([]byte, *exchanges.Error) {
		payload, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: []byte(body)})
		var failure *exchanges.Error
		if err != nil {
			require.ErrorAs(t, err, &failure)
		}
		return payload, failure
	}
	for _, result := range []string{`"ok"`, `[]`, `1760000000000`, `{"security_key_authorization_required":false}`} {
		payload, failure := unwrapped(200, `{"jsonrpc":"2.0","id":1,"result":`+result+`}`)
		require.Nil(t, failure)
		assert.Equal(t, result, string(payload))
	}

	_, failure := unwrapped(400, `{"error":{"code":-32602,"message":"Invalid params","data":{"param":"max_scope","reason":"wrong format"}}}`)
	assert.Equal(t, "Invalid params: max_scope: wrong format", failure.Message)
	assert.Equal(t, exchanges.ErrInvalid, failure.Kind)
	_, failure = unwrapped(400, `{"error":{"code":-32602,"message":"Invalid params","data":"text"}}`)
	assert.Equal(t, exchanges.ErrInvalid, failure.Kind, "data of an unexpected form does no harm")

	for wait, want := range map[string]time.Duration{"60": time.Minute, "1e300": maxWait, "-5": 0} {
		_, failure = unwrapped(400, `{"error":{"code":12998,"message":"x","data":{"wait":`+wait+`}}}`)
		assert.Equal(t, want, failure.RetryAfter)
	}
	_, failure = unwrapped(200, `{"result":{"security_key_authorization_required":true,"challenge":"abc","security_keys":[{"type":"u2f"},{"type":"tfa"}]}}`)
	var wanted *demand
	require.ErrorAs(t, failure, &wanted)
	assert.Equal(t, demand{challenge: "abc", takesCode: true}, *wanted)
}

// Deribit's page of codes gives some of them two meanings: the message decides.
func TestCodesOfTwoMeanings(t *testing.T) {
	for _, test := range []struct {
		code, message string
		kind          exchanges.Kind
		cause         error
	}{
		{"10001", "invalid_credentials", exchanges.ErrAuth, rest.ErrClock},
		{"10001", "error", exchanges.ErrInvalid, nil},
		{"13010", "token_revoked", exchanges.ErrAuth, errTokenRevoked},
		{"13010", "", exchanges.ErrAuth, errTokenRevoked},
		{"13010", "value_required", exchanges.ErrInvalid, nil},
		{"13011", "insufficient_scope", exchanges.ErrPermission, nil},
		{"13011", "value_too_short", exchanges.ErrInvalid, nil},
		{"13009", "unauthorized", exchanges.ErrAuth, rest.ErrClock},
		{"13009", "invalid_token", exchanges.ErrAuth, rest.ErrClock},
	} {
		_, err := unwrap(rest.Answer{Status: 401, Header: http.Header{}, Body: []byte(`{"error":{"code":` + test.code + `,"message":"` + test.message + `"}}`)})
		failure := exchangetest.Failed(t, err)
		assert.Equal(t, test.kind, failure.Kind, "%s %s", test.code, test.message)
		assert.Equal(t, test.cause, failure.Err, "%s %s", test.code, test.message)
		assert.Equal(t, test.code, failure.Code)
	}
}

// FuzzUnwrap checks that every answer is either a result or a failure with a kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"jsonrpc":"2.0","id":1,"result":"ok"}`))
	f.Add(400, []byte(`{"error":{"code":13668,"message":"x","data":{"reason":"used_tfa_code","wait":1}}}`))
	f.Add(200, []byte(`{"result":{"security_key_authorization_required":true,"challenge":"x","security_keys":[{"type":"tfa"}]}}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payload, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.NotEmpty(t, payload)
			return
		}
		exchangetest.Failed(t, err)
	})
}
