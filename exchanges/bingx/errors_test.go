package bingx

import (
	"encoding/json"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapSuccess(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":0,"data":{"uid":1}}`:          `{"uid":1}`,
		`{"code":"0","timestamp":1,"data":[]}`: `[]`,
		`{"code":0,"timestamp":1}`:             ``,
		`{"apiKey":"k","permissions":[2]}`:     `{"apiKey":"k","permissions":[2]}`,
	} {
		payload, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, want, string(payload), body)
	}
}

func TestUnwrapCauses(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		cause  error
		remedy string
	}{
		{200, `{"code":100421,"msg":"x"}`, rest.ErrClock, "clock"},
		{200, `{"code":80014,"msg":"Timestamp is invalid"}`, rest.ErrClock, "clock"},
		{200, `{"code":80014,"msg":"x"}`, nil, ""},
		{200, `{"code":100001,"msg":"x"}`, nil, "api_secret"},
		{200, `{"code":100413,"msg":"x"}`, nil, "14 days"},
		{200, `{"code":100004,"msg":"x"}`, nil, "Manage Subaccounts"},
		{200, `{"code":100403,"msg":"x"}`, nil, "main account"},
		{200, `{"code":100419,"msg":"x"}`, nil, "public address"},
		{200, `{"code":100441,"msg":"x"}`, nil, "website"},
		{200, `{"code":100450,"msg":"x"}`, nil, "sub-account's number"},
		{200, `{"code":100404,"msg":"x"}`, nil, "base_url"},
		{200, `{"code":100410,"msg":"x"}`, nil, ""},
		{200, `{"code":123456,"msg":"x"}`, errUnlisted, ""},
		{403, `<html>`, rest.ErrBanned, "firewall"},
		{418, ``, rest.ErrBanned, "firewall"},
		{429, `{"code":123456,"msg":"x"}`, rest.ErrBanned, "firewall"},
	} {
		_, err := unwrap(rest.Answer{Status: test.status, Header: http.Header{}, Body: []byte(test.body)})
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure, test.body)
		require.Equal(t, test.cause, failure.Err, test.body)
		require.Contains(t, failure.Remedy, test.remedy, test.body)
		if test.remedy == "" {
			require.Empty(t, failure.Remedy)
		}
	}
}

// How long a refusal for rate holds if the answer does not say its own time, or
// names one that has passed.
func TestWait(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		msg      string
		at       time.Time
		min, max time.Duration
	}{
		"until a time, by its own clock": {"unblocked after 1767225607000", time.UnixMilli(1767225600000), 7 * time.Second, 7 * time.Second},
		"until a time, by ours":          {"unblocked after " + jsonOf(t, now.Add(time.Minute).UnixMilli()), time.Time{}, 50 * time.Second, time.Minute},
		"until the past":                 {"unblocked after 1767225600000", time.UnixMilli(1767225607000), time.Millisecond, time.Millisecond},
		"not told":                       {"over 50 error code returns within 480000 ms", time.Time{}, penalty, penalty},
		"a longer number":                {"request 17672256070001", time.Time{}, penalty, penalty},
	} {
		e := envelope{Envelope: rest.Envelope{Msg: test.msg}, Timestamp: rest.Milliseconds{Time: test.at}}
		require.GreaterOrEqual(t, e.wait(), test.min, name)
		require.LessOrEqual(t, e.wait(), test.max, name)
	}
}

func jsonOf(t *testing.T, value any) string {
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	return string(encoded)
}

// FuzzUnwrap checks that no answer is taken for a success unless it is one, and
// that every other answer has a kind.
func FuzzUnwrap(f *testing.F) {
	recorded, err := os.ReadFile("../../testdata/bingx/errors.json")
	require.NoError(f, err)
	var answers []struct {
		Status int
		Body   json.RawMessage
	}
	require.NoError(f, json.Unmarshal(recorded, &answers))
	for _, answer := range answers {
		f.Add(answer.Status, []byte(answer.Body))
	}
	f.Add(200, []byte(`{"code":"0","data":null}`))
	f.Add(200, []byte(`{"apiKey":"k"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.True(t, json.Valid(body))
			return
		}
		var failure *exchanges.Error
		require.ErrorAs(t, err, &failure)
		require.Contains(t, exchanges.Kinds(), failure.Kind)
		require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
	})
}
