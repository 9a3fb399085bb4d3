package bitget

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapAnswer(t *testing.T) {
	for _, code := range []string{"40004", "40008", "40911"} {
		_, err := unwrap(rest.Answer{Status: 400, Header: http.Header{}, Body: []byte(`{"code":"` + code + `","msg":"Request timestamp expired"}`)})
		require.ErrorIs(t, err, rest.ErrClock)
	}
	_, err := unwrap(rest.Answer{Status: 200, Body: []byte(`{"code":40063,"msg":"a number for a code, with HTTP 200"}`)})
	require.ErrorIs(t, err, exchanges.ErrKeyCap)

	_, err = unwrap(rest.Answer{Status: 400, Body: []byte(`{"code":"22010","msg":"Please bind ip whitelist address"}`)})
	require.ErrorIs(t, err, exchanges.ErrPermission)
	require.ErrorContains(t, err, "bind this host's public address to the root key")

	payload, err := unwrap(rest.Answer{Status: 200, Body: []byte(`{"code":"00000","msg":"success","data":[]}`)})
	require.NoError(t, err)
	require.Equal(t, "[]", string(payload))
}

// FuzzUnwrap checks that every answer is either a success or a failure with a
// kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, []byte(`{"code":"00000","msg":"success","requestTime":1,"data":{"apiKey":"bg_1"}}`))
	f.Add(400, []byte(`{"code":"40009","msg":"sign signature error"}`))
	f.Add(502, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		_, err := unwrap(rest.Answer{Status: status, Header: http.Header{}, Body: body})
		if err == nil {
			return
		}
		exchangetest.Failed(t, err)
	})
}
