package htx

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// One code stands for many reasons; the text tells them apart.
func TestAuthentication(t *testing.T) {
	for message, test := range map[string]struct {
		kind   exchanges.Kind
		remedy string
	}{
		"Signature not valid: Verification failure [校验失败]":                            {exchanges.ErrAuth, "api_secret"},
		"Signature not valid: Incorrect Access key [Access key错误]":                    {exchanges.ErrAuth, "api_key"},
		"Signature not valid: Incorrect IP address":                                   {exchanges.ErrPermission, "address"},
		"Signature not valid: API key has no permission":                              {exchanges.ErrPermission, "Trade"},
		"Signature not valid: APIkey has expired":                                     {exchanges.ErrAuth, "make a new one"},
		"Signature not valid: Invalid submission time or incorrect time format [...]": {exchanges.ErrInvalid, "clock"},
		"something new": {exchanges.ErrAuth, "api_secret"},
	} {
		failure := authentication(message)
		require.Equal(t, test.kind, failure.Kind, message)
		require.Contains(t, failure.Remedy, test.remedy, message)
	}
	require.ErrorIs(t, authentication("invalid submission time"), rest.ErrClock)
}

func TestUnwrapAnswer(t *testing.T) {
	for _, body := range []string{
		`{"code":200,"data":null}`, `{"code":200,"ok":true,"success":true}`, `{"code":"200"}`, `{"status":"ok","data":1}`,
	} {
		payload, err := unwrap(rest.Answer{Status: 200, Body: []byte(body)})
		require.NoError(t, err)
		require.Equal(t, body, string(payload))
	}
	// A code of version 2 takes precedence over the word of version 1.
	_, err := unwrap(rest.Answer{Status: 200, Body: []byte(`{"status":"ok","code":1002,"message":"unauthorized"}`)})
	require.ErrorIs(t, err, exchanges.ErrPermission)
}

func TestQuota(t *testing.T) {
	header := http.Header{}
	header.Set("X-HB-RateLimit-Requests-Remain", "0")
	_, known := quota(header)
	require.False(t, known, "without its reset time a quota says nothing")
	header.Set("X-HB-RateLimit-Requests-Expire", "1767225601000")
	got, known := quota(header)
	require.True(t, known)
	require.Equal(t, rest.Quota{Reset: time.UnixMilli(1767225601000)}, got)
	_, known = quota(http.Header{})
	require.False(t, known)
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"code":200,"data":{"accessKey":"a-b-c-d"}}`))
	f.Add(200, []byte(`{"status":"error","err-code":"api-signature-not-valid","err-msg":"Verification failure","data":null}`))
	f.Add(200, []byte(`{"code":2014,"message":"api key"}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			return
		}
		exchangetest.Failed(t, err)
	})
}
