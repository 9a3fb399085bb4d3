package mexc

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// TestSign compares what goes on the wire with the vectors whose parameters end
// in the order in which sign adds them.
func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "mexc")
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
	require.NoError(t, err)
	compared := 0
	for _, v := range file.Vectors {
		query, found := strings.CutSuffix(v.Query, "&recvWindow="+recvWindow+"&timestamp="+file.Timestamp)
		if !found {
			continue
		}
		compared++
		request := &rest.Request{Method: v.Method, Path: v.Path, Query: query, Header: http.Header{}}
		require.NoError(t, s.sign(request, at))
		require.Equal(t, v.Query+"&signature="+v.Signature, request.Query, v.Name)
		require.Equal(t, v.Signature, request.Signature, v.Name)
		require.Equal(t, file.APIKey, request.Header.Get("X-MEXC-APIKEY"), v.Name)
		require.Equal(t, "application/json", request.Header.Get("Content-Type"), v.Name)
	}
	require.Equal(t, 3, compared)
}

// The user's own content type stays.
func TestSignKeepsTheContentType(t *testing.T) {
	request := &rest.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("a=b")}
	require.NoError(t, signer{"key", rest.HexHMAC("secret")}.sign(request, time.UnixMilli(1)))
	require.Equal(t, "text/plain", request.Header.Get("Content-Type"))
}

// FuzzSign checks that the signature is always the last parameter and covers the
// query and the body.
func FuzzSign(f *testing.F) {
	f.Add("subAccount=vaultsub0001&ip=203.0.113.10%2C203.0.113.11", "", "x")
	f.Add("", "a=b", "")
	f.Add("", "", "&")
	f.Fuzz(func(t *testing.T, query, body, other string) {
		s := signer{"key", rest.HexHMAC("secret")}
		sign := func(query, body string) *rest.Request {
			request := &rest.Request{Method: http.MethodPost, Query: query, Body: []byte(body), Header: http.Header{}}
			require.NoError(t, s.sign(request, time.UnixMilli(1)))
			return request
		}
		request := sign(query, body)
		before, found := strings.CutSuffix(request.Query, "&signature="+request.Signature)
		require.True(t, found)
		require.True(t, strings.HasPrefix(before, query))
		signature, err := s.signature(before + body)
		require.NoError(t, err)
		require.Equal(t, signature, request.Signature)
		require.Equal(t, body == other, sign(query, other).Signature == request.Signature)
	})
}
