package kucoin

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

func TestUnwrapAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		kind   exchanges.Kind
		code   string
		cause  error
	}{
		{"number for a code", 400, `{"code":400100,"msg":"no"}`, exchanges.ErrInvalid, "400100", nil},
		{"no code", 200, `{"msg":"no"}`, exchanges.ErrOutcomeUnknown, "", nil},
		{"clock", 400, `{"code":"400002","msg":"KC-API-TIMESTAMP Invalid"}`, exchanges.ErrInvalid, "400002", rest.ErrClock},
		{"firewall", 403, `error code: 1015`, exchanges.ErrRateLimited, "1015", rest.ErrBanned},
		{"number in another page", 502, `<html>1015</html>`, exchanges.ErrOutcomeUnknown, "", nil},
		{"success that is none", 500, `{"code":"200000","data":{}}`, exchanges.ErrOutcomeUnknown, "200000", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := unwrap(rest.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
			failure := exchangetest.Failed(t, err)
			require.Equal(t, test.kind, failure.Kind)
			require.Equal(t, test.code, failure.Code)
			if test.cause != nil {
				require.True(t, errors.Is(err, test.cause))
			}
		})
	}
	payload, err := unwrap(rest.Answer{Status: 200, Body: []byte(`{"code":"200000","data":[]}`)})
	require.NoError(t, err)
	require.Equal(t, "[]", string(payload))
}

// What is left of the pool is counted in calls of the most expensive kind, so that
// a deletion always fits into it.
func TestQuota(t *testing.T) {
	for _, test := range []struct {
		remaining, reset string
		want             rest.Quota
		ok               bool
	}{
		{"2000", "30000", rest.Quota{Remaining: 66, ResetIn: 30 * time.Second}, true},
		{"29", "1500", rest.Quota{ResetIn: 1500 * time.Millisecond}, true},
		{"0", "", rest.Quota{}, true},
		{"0", "-1", rest.Quota{}, true},
		{"", "1500", rest.Quota{ResetIn: 1500 * time.Millisecond}, false},
	} {
		header := http.Header{}
		header.Set("gw-ratelimit-remaining", test.remaining)
		header.Set("gw-ratelimit-reset", test.reset)
		got, ok := quota(header)
		require.Equal(t, test.ok, ok, test.remaining)
		require.Equal(t, test.want, got, test.remaining)
	}
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"code":"200000","data":[{"apiKey":"k"}]}`))
	f.Add(401, []byte(`{"code":"400005","msg":"Signature error"}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			return
		}
		exchangetest.Failed(t, err)
	})
}
