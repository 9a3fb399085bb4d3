package kucoin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The worked example in KuCoin's documentation, with made-up credentials.
func TestHeaders(t *testing.T) {
	signer, err := newSigner(exchanges.Credential{
		APIKey: "fakekey0123456789abcdef0", APISecret: "fake-secret-00000000-0000-4000-8000-000000000000", Passphrase: "RootPass01",
	})
	require.NoError(t, err)
	request := &rest.Request{Method: http.MethodGet, Path: "/api/v1/user/api-key", Header: http.Header{}}
	require.NoError(t, signer.sign(request, time.UnixMilli(1_700_000_000_000)))
	for name, want := range map[string]string{
		"Content-Type":       "application/json",
		"KC-API-KEY":         "fakekey0123456789abcdef0",
		"KC-API-KEY-VERSION": "3",
		"KC-API-TIMESTAMP":   "1700000000000",
		"KC-API-PASSPHRASE":  "0XM2XxIy9j0nw5ZFA39EerDy+w3wJfYdFBErSuBKOxM=",
		"KC-API-SIGN":        "XzL9AhDKeYmAWGtADWqLGGVU726C6A19noT/TLWlWqY=",
	} {
		require.Equal(t, want, request.Header.Get(name), name)
	}
	require.Equal(t, request.Header.Get("KC-API-SIGN"), request.Signature)
}

func TestQueryThatCannotBeDecoded(t *testing.T) {
	signer, err := newSigner(credential())
	require.NoError(t, err)
	request := &rest.Request{Method: http.MethodGet, Path: "/", Query: "a=%zz", Header: http.Header{}}
	require.Error(t, signer.sign(request, time.Now()))
}

// FuzzSign checks that the signature covers exactly the plain query, however it is
// encoded.
func FuzzSign(f *testing.F) {
	f.Add("passphrase", "abc!@#11", "")
	f.Add("a", "b&c=d", "{}")
	f.Fuzz(func(t *testing.T, name, value, body string) {
		signer, err := newSigner(credential())
		require.NoError(t, err)
		request := &rest.Request{Method: "DELETE", Path: "/p", Query: rest.Query(name, value), Body: []byte(body), Header: http.Header{}}
		require.NoError(t, signer.sign(request, time.UnixMilli(1)))
		text := "1DELETE/p"
		if value != "" {
			text += "?" + name + "=" + value
		}
		signature, err := rest.Base64HMAC("secret")(text + body)
		require.NoError(t, err)
		require.Equal(t, signature, request.Signature)
		require.False(t, strings.Contains(request.Header.Get("KC-API-PASSPHRASE"), "RootPass01"))
	})
}
