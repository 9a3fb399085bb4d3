package bitfinex

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapSuccess(t *testing.T) {
	for _, body := range []string{`[1]`, `[]`, `["pub:api:x"]`, `[["orders",1,0]]`} {
		payload, err := unwrapper{}.unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, body, string(payload))
	}
}

func TestUnwrapRemedies(t *testing.T) {
	for body, remedy := range map[string]string{
		`["error",10100,"apikey: digest invalid"]`:  "check api_secret",
		`["error",10100,"apikey: invalid"]`:         "was not removed",
		`["error",10114,"nonce: small"]`:            "an API key of its own",
		`["error",10001,"ERR_AUTH_UNAUTHORIZED"]`:   "give the root key the rights",
		`["error",20060,"Entering in maintenance"]`: "try again later",
		`["error",10112,"x"]`:                       "no proxy",
	} {
		_, err := unwrapper{}.unwrap(rest.Answer{Status: http.StatusInternalServerError, Header: http.Header{}, Body: []byte(body)})
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure, body)
		require.Contains(t, failure.Remedy, remedy, body)
		require.NotErrorIs(t, err, errDeadToken)
	}
	_, err := unwrapper{}.unwrap(rest.Answer{Status: http.StatusInternalServerError, Header: http.Header{}, Body: []byte(`["error",10100,"token: invalid"]`)})
	require.ErrorIs(t, err, errDeadToken)
}

// FuzzUnwrap checks that no answer is taken for a success unless it is one, and
// that every other answer has a kind.
func FuzzUnwrap(f *testing.F) {
	recorded, err := os.ReadFile("../../testdata/bitfinex/errors.json")
	require.NoError(f, err)
	var answers []struct {
		Status int
		Body   json.RawMessage
	}
	require.NoError(f, json.Unmarshal(recorded, &answers))
	for _, answer := range answers {
		f.Add(answer.Status, []byte(answer.Body), "7")
	}
	f.Add(200, []byte(`["error"]`), "")
	f.Add(200, []byte(`{"error":""}`), "-1")
	f.Add(500, []byte(`["error",null,null,{}]`), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, wait string) {
		payload, err := unwrapper{time.Minute}.unwrap(rest.Answer{Status: status, Header: http.Header{"Retry-After": {wait}}, Body: body})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.True(t, json.Valid(payload))
			return
		}
		var failure *exchanges.Error
		require.True(t, errors.As(err, &failure))
		require.Contains(t, exchanges.Kinds(), failure.Kind)
		if failure.Kind == exchanges.ErrRateLimited {
			require.GreaterOrEqual(t, failure.RetryAfter, time.Minute)
		}
	})
}
