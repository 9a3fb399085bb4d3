package coinex

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// TestHeaders compares everything that is added to a request; the conformance suite
// only looks for each vector's signature.
func TestHeaders(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "coinex")
	for _, v := range file.Vectors {
		s, err := newSigner(file.Credential(v))
		require.NoError(t, err)
		request := &rest.Request{Method: v.Method, Path: v.Path, Query: v.Query, Body: []byte(v.Body), Header: http.Header{}}
		require.NoError(t, s.sign(request, at))
		require.Equal(t, v.Signature, request.Signature, v.Name)
		require.Equal(t, http.Header{
			"Content-Type":       {"application/json"},
			"X-Coinex-Key":       {file.APIKey},
			"X-Coinex-Sign":      {v.Signature},
			"X-Coinex-Timestamp": {file.Timestamp},
		}, request.Header, v.Name)
	}
}

// FuzzSign checks that the signature covers the whole request as it is sent.
func FuzzSign(f *testing.F) {
	f.Add("/v2/account/subs/api", "page=1&limit=100", "")
	f.Add("/", "", "{}")
	f.Fuzz(func(t *testing.T, path, query, body string) {
		s, err := newSigner(exchanges.Credential{APIKey: "key", APISecret: "secret"})
		require.NoError(t, err)
		request := &rest.Request{Method: http.MethodPost, Path: path, Query: query, Body: []byte(body), Header: http.Header{}}
		require.NoError(t, s.sign(request, time.UnixMilli(1)))
		text := "POST" + path
		if query != "" {
			text += "?" + query
		}
		want, err := rest.HexHMAC("secret")(text + body + "1")
		require.NoError(t, err)
		require.Equal(t, want, request.Signature)
	})
}
