package whitebit

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func failureOf(t *testing.T, status int, body string) *exchanges.Error {
	_, err := unwrap(rest.Answer{Status: status, Header: http.Header{"Retry-After": {"7"}}, Body: []byte(body)})
	return exchangetest.Failed(t, err)
}

func TestUnwrapAnswer(t *testing.T) {
	for _, test := range []struct {
		name    string
		status  int
		body    string
		kind    exchanges.Kind
		code    string
		message string
		remedy  string
	}{
		{"fields", 400, `{"code":0,"message":"Validation failed","errors":{"title":["validation.required"],"ip":["a","b"]}}`,
			exchanges.ErrInvalid, "0", "Validation failed; ip: a, b; title: validation.required", ""},
		{"older form", 401, `{"message":[["Payload not provided."]],"result":[],"success":false}`,
			exchanges.ErrInvalid, "", "Payload not provided.", "proxy"},
		{"an empty message", 404, `{"code":0,"message":""}`, exchanges.ErrPermission, "0", "", "Trade permission"},
		{"gone", 404, `{"message":"API key not found"}`, exchanges.ErrNotFound, "", "API key not found", ""},
		{"another 404", 404, `{"message":"Not found"}`, exchanges.ErrInvalid, "", "Not found", ""},
		{"no message", 404, `{"code":1}`, exchanges.ErrInvalid, "", "HTTP status 404 with an answer that is not the exchange's", "base_url"},
		{"message of another form", 400, `{"code":1,"message":{"a":1}}`, exchanges.ErrInvalid, "1", "", ""},
		{"errors of another form", 400, `{"code":1,"message":"no","errors":[]}`, exchanges.ErrInvalid, "",
			"HTTP status 400 with an answer that is not the exchange's", "base_url"},
		{"success that is no JSON", 200, `<html>`, exchanges.ErrOutcomeUnknown, "", "HTTP status 200 with an answer that is not the exchange's", ""},
		{"success without a body", 201, ``, exchanges.ErrOutcomeUnknown, "", "HTTP status 201 with an answer that is not the exchange's", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			failure := failureOf(t, test.status, test.body)
			require.Equal(t, test.kind, failure.Kind)
			require.Equal(t, test.code, failure.Code)
			require.Equal(t, test.message, failure.Message)
			require.Contains(t, failure.Remedy, test.remedy)
			require.Equal(t, test.remedy == "", failure.Remedy == "")
		})
	}
	for _, status := range []int{200, 201} {
		payload, err := unwrap(rest.Answer{Status: status, Body: []byte(`{}`)})
		require.NoError(t, err)
		require.Equal(t, `{}`, string(payload))
	}
}

func TestClockRefusal(t *testing.T) {
	failure := failureOf(t, 422, `{"message":"Your nonce is more than 5 seconds lesser than the current nonce"}`)
	require.True(t, errors.Is(failure, rest.ErrClock))
	require.Equal(t, exchanges.ErrInvalid, failure.Kind)
}

func TestRetryAfter(t *testing.T) {
	for status, body := range map[int]string{429: `{"message":"Too many requests."}`, 418: `<html>`} {
		failure := failureOf(t, status, body)
		require.Equal(t, exchanges.ErrRateLimited, failure.Kind)
		require.Equal(t, 7*time.Second, failure.RetryAfter)
	}
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"data":[]}`))
	f.Add(401, []byte(`{"code":10,"message":"Unauthorized request.","errors":{}}`))
	f.Add(401, []byte(`{"message":[["a",["b"]],1]}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, 2, status/100)
			return
		}
		exchangetest.Failed(t, err)
	})
}
