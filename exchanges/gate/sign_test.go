package gate

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Whole seconds are sent, never rounded up.
func TestHeaders(t *testing.T) {
	signer, err := newSigner(credential())
	require.NoError(t, err)
	request := &rest.Request{Method: http.MethodGet, Path: "/p", Query: "a=b%20c", Header: http.Header{}}
	require.NoError(t, signer.sign(request, time.UnixMilli(1_700_000_000_999)))
	require.Equal(t, "1700000000", request.Header.Get("Timestamp"))
	require.Equal(t, "application/json", request.Header.Get("Accept"))
	require.Equal(t, credential().APIKey, request.Header.Get("KEY"))
	require.Regexp(t, `^[0-9a-f]{128}$`, request.Header.Get("SIGN"))

	plain := &rest.Request{Method: http.MethodGet, Path: "/p", Query: "a=b+c", Header: http.Header{}}
	require.NoError(t, signer.sign(plain, time.UnixMilli(1_700_000_000_000)))
	require.Equal(t, request.Signature, plain.Signature, "what is signed is not percent-encoded")

	plain.Query = "a=%zz"
	require.Error(t, signer.sign(plain, time.Now()))
}

// FuzzSign checks that every part of a request is signed.
func FuzzSign(f *testing.F) {
	f.Add("GET", "/api/v4/sub_accounts", "type=0", "", "POST")
	f.Fuzz(func(t *testing.T, method, path, query, body, other string) {
		signer, err := newSigner(credential())
		require.NoError(t, err)
		sign := func(method, path, query, body string) string {
			request := &rest.Request{Method: method, Path: path, Query: rest.Query("q", query), Body: []byte(body), Header: http.Header{}}
			require.NoError(t, signer.sign(request, time.Unix(1, 0)))
			return request.Signature
		}
		signature := sign(method, path, query, body)
		for i, part := range []string{method, path, query, body} {
			parts := []string{method, path, query, body}
			parts[i] = other
			require.Equal(t, part == other, sign(parts[0], parts[1], parts[2], parts[3]) == signature)
		}
	})
}
