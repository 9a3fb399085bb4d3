package signclient_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// anything is a signed request that is sent nowhere.
func anything() map[string]any {
	return map[string]any{"method": "GET", "url": "https://api.example.com/x?signature=abc", "headers": map[string]any{}, "body": ""}
}

// TestSignAsksForWhatIsSent asks Vault for the request that the bot has written, byte for
// byte.
func TestSignAsksForWhatIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		method, url, body, contentType string
		want                           map[string]any
	}{
		"query": {"GET", "https://api.example.com/v5/order?b=2&a=%5B1%5D&c=x+y", "", "application/json",
			map[string]any{"method": "GET", "host": "api.example.com", "path": "/v5/order", "query": "b=2&a=%5B1%5D&c=x+y"}},
		"no path": {"", "https://api.example.com", "", "",
			map[string]any{"method": "GET", "host": "api.example.com", "path": "/", "query": ""}},
		"path in code": {"GET", "https://api.example.com/a%2Fb", "", "",
			map[string]any{"method": "GET", "host": "api.example.com", "path": "/a%2Fb", "query": ""}},
		"body": {"POST", "http://127.0.0.1:8080/v5/order", "{\"a\":\"<&>\xff\"}", "application/json; charset=UTF-8",
			map[string]any{"method": "POST", "host": "127.0.0.1:8080", "path": "/v5/order", "query": "",
				"body_base64": base64.StdEncoding.EncodeToString([]byte("{\"a\":\"<&>\xff\"}")), "content_type": "application/json"}},
		"other charset": {"POST", "https://api.example.com/x", "a=b", "text/plain; charset=latin1",
			map[string]any{"method": "POST", "host": "api.example.com", "path": "/x", "query": "",
				"body_base64": "YT1i", "content_type": "text/plain; charset=latin1"}},
	} {
		t.Run(name, func(t *testing.T) {
			vault := signing(t, anything())
			request, err := http.NewRequestWithContext(t.Context(), c.method, c.url, strings.NewReader(c.body))
			require.NoError(t, err)
			request.Method = c.method
			if c.contentType != "" {
				request.Header.Set("Content-Type", c.contentType)
			}
			_, err = signerAt(t, vault).Sign(request)
			require.NoError(t, err)
			asked := vault.only(t)
			require.Equal(t, "/v1/exchange/sign/gateway", asked.URL.Path)
			require.Equal(t, token, asked.Header.Get("X-Vault-Token"))
			require.Equal(t, c.want, asked.fields)
		})
	}
}

// TestSigned is what Vault answered, and of the bot's own headers the name of its program
// alone.
func TestSigned(t *testing.T) {
	for _, body := range []map[string]any{{"body": "a=b"}, {"body_base64": "YT1i"}} {
		answer := map[string]any{"method": "POST", "url": "https://api.example.com/x?signature=abc", "headers": map[string]any{"X-Api-Key": "k"}}
		for field, value := range body {
			answer[field] = value
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/x", strings.NewReader("a=b"))
		require.NoError(t, err)
		request.Header = http.Header{"User-Agent": {"bot/1"}, "X-Signature": {"of a dummy"}}
		before := request.Header.Clone()
		signed, err := signerAt(t, signing(t, answer)).Sign(request)
		require.NoError(t, err)
		require.Equal(t, "https://api.example.com/x?signature=abc", signed.URL.String())
		require.Equal(t, http.Header{"User-Agent": {"bot/1"}, "X-Api-Key": {"k"}}, signed.Header)
		require.EqualValues(t, 3, signed.ContentLength)
		sent, err := io.ReadAll(signed.Body)
		require.NoError(t, err)
		require.Equal(t, "a=b", string(sent))
		require.Equal(t, before, request.Header, "the request itself remains as it is")
		require.Equal(t, "https://api.example.com/x", request.URL.String())
	}
}

// TestSignRefuses what Vault cannot sign as it is meant, without asking.
func TestSignRefuses(t *testing.T) {
	vault := signing(t, anything())
	long, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.example.com/x", strings.NewReader(strings.Repeat("a", 64<<10+1)))
	require.NoError(t, err)
	_, err = signerAt(t, vault).Sign(long)
	require.ErrorContains(t, err, "body: longer than 65536 bytes")
	opaque, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
	require.NoError(t, err)
	opaque.URL.Opaque = "//api.example.com/y"
	_, err = signerAt(t, vault).Sign(opaque)
	require.ErrorContains(t, err, "RawPath")
	require.Empty(t, vault.all())
}

// TestSignReadsAnswers that are none without showing what is in them.
func TestSignReadsAnswers(t *testing.T) {
	for _, answer := range []map[string]any{
		nil, {"api_key": "k"}, {"method": "GET"}, {"method": "GET", "url": "/x?signature=abc"},
		{"method": "GET", "url": "ftp://api.example.com/x?signature=abc"}, {"method": "GET", "url": "https://a b/?signature=abc"},
		{"method": "GET", "url": "https://api.example.com/x?signature=abc", "headers": "abc"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
		require.NoError(t, err)
		_, err = signerAt(t, signing(t, answer)).Sign(request)
		require.ErrorContains(t, err, "is nothing signed")
		require.ErrorContains(t, err, "mounted")
		require.NotContains(t, err.Error(), "abc")
	}
}
