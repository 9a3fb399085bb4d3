package mexc

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapSuccess(t *testing.T) {
	for _, body := range []string{`{}`, `{"serverTime":1767225600000}`, `{"code":0,"subAccount":"x"}`, `{"code":"0"}`, `[]`, ` [{"apiKey":"mx0"}]`} {
		payload, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, body, string(payload))
	}
}

func TestUnwrapCauses(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		cause  error
		remedy string
	}{
		{400, `{"code":700003,"msg":"x"}`, rest.ErrClock, "clock"},
		{400, `{"code":10073,"msg":"x"}`, rest.ErrClock, "clock"},
		{400, `{"code":700002,"msg":"x"}`, rest.ErrClock, "api_secret"},
		{400, `{"code":602,"msg":"x"}`, rest.ErrClock, "api_secret"},
		{418, `{"code":429,"msg":"x"}`, rest.ErrBanned, "banned"},
		{418, ``, rest.ErrBanned, "banned"},
		{403, `<html>`, nil, "firewall"},
		{400, `{"code":10072,"msg":"x"}`, nil, "90 days"},
		{400, `{"code":700006,"msg":"x"}`, nil, "public address"},
		{400, `{"code":700007,"msg":"x"}`, nil, "SPOT_ACCOUNT_WRITE"},
		{400, `{"code":26,"msg":"x"}`, nil, "SPOT_ACCOUNT_WRITE"},
		{400, `{"code":730003,"msg":"x"}`, nil, "SPOT_ACCOUNT_WRITE"},
		{400, `{"code":730100,"msg":"x"}`, nil, "support"},
		{400, `{"code":730001,"msg":"x"}`, nil, "sub-account's name"},
		{400, `{"code":730002,"msg":"x"}`, nil, ""},
		{400, `{"code":10099,"msg":"x"}`, nil, "website"},
		{400, `{"code":140002,"msg":"x"}`, nil, "frozen"},
		{400, `{"code":140001,"msg":"x"}`, nil, "master account"},
		{400, `{"code":730703,"msg":"x"}`, nil, "10 IPv4"},
		{400, `{"code":730705,"msg":"x"}`, nil, "another sub-account"},
		{400, `{"code":700013,"msg":"x"}`, nil, "proxy"},
		{400, `{"code":123456,"msg":"x"}`, nil, ""},
	} {
		_, err := unwrap(rest.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
		failure := exchangetest.Failed(t, err)
		require.Equal(t, test.cause, failure.Err, test.body)
		require.Contains(t, failure.Remedy, test.remedy, test.body)
		if test.remedy == "" {
			require.Empty(t, failure.Remedy)
		}
	}
}

// Only a success may be a bare list.
func TestUnwrapList(t *testing.T) {
	for _, answer := range []rest.Answer{{Status: 400, Body: []byte(`[]`)}, {Status: 500, Body: []byte(`[]`)}, {Status: 200, Body: []byte(`[`)}} {
		_, err := unwrap(answer)
		require.Error(t, err, "%d %s", answer.Status, answer.Body)
	}
}

// FuzzUnwrap checks that no answer is taken for a success unless it is one, and
// that every other answer has a kind.
func FuzzUnwrap(f *testing.F) {
	for _, failure := range exchangetest.Failures(f, "mexc") {
		f.Add(failure.Status, []byte(failure.Body), "7")
	}
	f.Add(200, []byte(`{"code":"0"}`), "")
	f.Add(200, []byte(`[]`), "-1")
	f.Fuzz(func(t *testing.T, status int, body []byte, wait string) {
		payload, err := unwrap(rest.Answer{Status: status, Header: http.Header{"Retry-After": {wait}}, Body: body})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.True(t, json.Valid(payload))
			return
		}
		exchangetest.Failed(t, err)
	})
}
