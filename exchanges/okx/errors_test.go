package okx

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		kind   exchanges.Kind
		code   string
		clock  bool
	}{
		{"unknown code", 200, `{"code":"58999","msg":"no"}`, exchanges.ErrInvalid, "58999", false},
		{"unknown code of a server's failure", 500, `{"code":"58999","msg":"no"}`, exchanges.ErrOutcomeUnknown, "58999", false},
		{"number for a code", 200, `{"code":59506,"msg":"no"}`, exchanges.ErrNotFound, "59506", false},
		{"no code", 200, `{"msg":"no"}`, exchanges.ErrOutcomeUnknown, "", false},
		{"no JSON", 429, `slow down`, exchanges.ErrRateLimited, "", false},
		{"clock", 401, `{"code":"50102","msg":"Timestamp request expired."}`, exchanges.ErrInvalid, "50102", true},
		{"code before status", 200, `{"code":"50011","msg":"Rate limit reached."}`, exchanges.ErrRateLimited, "50011", false},
		{"success without data", 200, `{"code":"0","msg":""}`, exchanges.ErrOutcomeUnknown, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := unwrap(rest.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
			failure := exchangetest.Failed(t, err)
			require.Equal(t, test.kind, failure.Kind)
			require.Equal(t, test.code, failure.Code)
			require.Equal(t, test.clock, errors.Is(err, rest.ErrClock))
		})
	}
	for _, data := range []string{"[]", "null"} {
		payload, err := unwrap(rest.Answer{Status: 200, Body: []byte(`{"code":"0","msg":"","data":` + data + `}`)})
		require.NoError(t, err)
		require.Equal(t, data, string(payload))
	}
}

func TestRemedies(t *testing.T) {
	require.Contains(t, meaning("50041").Remedy, "support")
	require.Contains(t, meaning("50119").Remedy, "check api_key")
}

// FuzzUnwrap checks that every answer is either a list, which may be null, or a
// failure with a kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"code":"0","msg":"","data":[{"apiKey":"key2"}]}`))
	f.Add(401, []byte(`{"code":"50113","msg":"Invalid signature."}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payload, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.True(t, payload[0] == '[' || string(payload) == "null")
			return
		}
		exchangetest.Failed(t, err)
	})
}
