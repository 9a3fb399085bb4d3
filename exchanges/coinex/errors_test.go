package coinex

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapSuccess(t *testing.T) {
	for _, body := range []string{done, noRows, `{"code":"0"}`} {
		payload, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, body, string(payload))
	}
}

func TestUnwrapCauses(t *testing.T) {
	for _, test := range []struct {
		code   int
		cause  error
		remedy string
	}{
		{4005, nil, "10 minutes"},
		{34, nil, "three months"},
		{4006, nil, "api_secret"},
		{11005, nil, "api_secret"},
		{4007, nil, "public address"},
		{4008, nil, "proxy"},
		{4009, nil, "base_url"},
		{4010, rest.ErrClock, "clock"},
		{4017, rest.ErrClock, "clock"},
		{227, rest.ErrClock, "clock"},
		{4011, nil, "support"},
		{4018, nil, "support"},
		{3639, nil, ""},
		{4512, errNoRight, "API permission"},
		{3008, rest.ErrBusy, ""},
		{4001, rest.ErrBusy, ""},
		{4002, rest.ErrBusy, ""},
		{4003, nil, ""},
		{12345, errUndocumented, ""},
	} {
		_, err := unwrap(rest.Answer{Status: http.StatusOK, Header: http.Header{}, Body: []byte(refusal(test.code))})
		failure := exchangetest.Failed(t, err)
		require.Equal(t, test.cause, failure.Err, test.code)
		require.Contains(t, failure.Remedy, test.remedy, test.code)
		require.Equal(t, test.remedy == "", failure.Remedy == "", test.code)
	}
}

// FuzzUnwrap checks that no answer is taken for a success unless it is one, and
// that every other answer has a kind.
func FuzzUnwrap(f *testing.F) {
	for _, failure := range exchangetest.Failures(f, "coinex") {
		f.Add(failure.Status, []byte(failure.Body))
	}
	f.Add(200, []byte(`{"code":"0"}`))
	f.Add(200, []byte(`[]`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		payload, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.True(t, json.Valid(payload))
			return
		}
		exchangetest.Failed(t, err)
	})
}
