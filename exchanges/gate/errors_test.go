package gate

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
		remedy string
	}{
		{"detail", 400, `{"label":"BAD_REQUEST","detail":"no"}`, exchanges.ErrInvalid, "BAD_REQUEST", ""},
		{"root key", 401, `{"label":"INVALID_KEY","message":"no"}`, exchanges.ErrAuth, "INVALID_KEY", "check api_key"},
		{"another key", 400, `{"label":"INVALID_KEY","message":"no"}`, exchanges.ErrInvalid, "INVALID_KEY", ""},
		{"address", 403, `{"label":"FORBIDDEN","message":"Request IP not in whitelist"}`, exchanges.ErrPermission, "FORBIDDEN", "bind this host"},
		{"right", 403, `{"label":"FORBIDDEN","message":"no"}`, exchanges.ErrPermission, "FORBIDDEN", "main account"},
		{"user", 404, `{"label":"USER_NOT_FOUND","detail":"no"}`, exchanges.ErrInvalid, "USER_NOT_FOUND", "user ID"},
		{"unknown label", 404, `{"label":"NEW","message":"no"}`, exchanges.ErrInvalid, "NEW", ""},
		{"no label", 404, `{"message":"no"}`, exchanges.ErrInvalid, "", "check base_url"},
		{"success that is no JSON", 200, `<html>`, exchanges.ErrOutcomeUnknown, "", ""},
		{"success without a body", 200, ``, exchanges.ErrOutcomeUnknown, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := unwrap(rest.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
			failure := exchangetest.Failed(t, err)
			require.Equal(t, test.kind, failure.Kind)
			require.Equal(t, test.code, failure.Code)
			require.Contains(t, failure.Remedy, test.remedy)
			if test.code != "" {
				require.Equal(t, test.remedy == "", failure.Remedy == "")
			}
		})
	}
	for status, body := range map[int]string{200: `[]`, 201: `{"id":1}`, 204: ``} {
		payload, err := unwrap(rest.Answer{Status: status, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, body, string(payload))
	}
	_, err := unwrap(rest.Answer{Status: 403, Body: []byte(`{"label":"REQUEST_EXPIRED","message":"no"}`)})
	require.True(t, errors.Is(err, rest.ErrClock))
}

func TestQuota(t *testing.T) {
	header := http.Header{}
	_, ok := quota(header)
	require.False(t, ok)
	header.Set("X-Gate-RateLimit-Requests-Remain", "0")
	_, ok = quota(header)
	require.False(t, ok)
	require.Zero(t, untilReset(header))
	header.Set("X-Gate-RateLimit-Reset-Timestamp", "1700000010")
	left, ok := quota(header)
	require.True(t, ok)
	require.Equal(t, rest.Quota{Reset: time.Unix(1_700_000_010, 0)}, left)

	require.Zero(t, untilReset(header))
	header.Set("X-Out-Time", "1700000002500000")
	require.Equal(t, 7500*time.Millisecond, untilReset(header))
	header.Set("X-Out-Time", "1700000012500000")
	require.Zero(t, untilReset(header), "a reset in the past")
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`[{"key":"k"}]`))
	f.Add(401, []byte(`{"label":"INVALID_SIGNATURE","message":"Signature mismatch"}`))
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
