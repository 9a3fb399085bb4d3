package htx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "htx")
	for _, vector := range file.Vectors {
		c := exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret}
		if vector.PrivateKey != "" {
			c.APISecret, c.PrivateKey = "", vector.PrivateKey
		}
		s, err := newSigner(c)
		require.NoError(t, err)
		request := &rest.Request{
			Method: vector.Method, Host: "api.huobi.pro", Path: vector.Path, Query: vector.Query, Body: []byte(vector.Body), Header: http.Header{},
		}
		// HTX wants UTC, whatever the zone of the given time.
		require.NoError(t, s.sign(request, at.In(time.FixedZone("", 7200))))
		_, signed, _ := strings.Cut(vector.StringToSign, vector.Path+"\n")
		require.Equal(t, signed+"&Signature="+url.QueryEscape(vector.Signature), request.Query, vector.Name)
		require.Equal(t, vector.Signature, request.Signature)
		require.Empty(t, request.Header)
	}
}

func TestSignRefusesAQueryThatIsNone(t *testing.T) {
	s, err := newSigner(exchanges.Credential{APIKey: "key", APISecret: "secret"})
	require.NoError(t, err)
	require.Error(t, s.sign(&rest.Request{Query: "a=%zz"}, time.Now()))
}

// FuzzSign checks that the signature covers method, host, path and parameters,
// that these are sorted by the bytes of their names, and that no space is
// written as a plus.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "htx")
	for _, vector := range file.Vectors {
		f.Add(vector.Method, "api.huobi.pro", vector.Path, "uid", "132208121", at.Unix())
	}
	f.Add("GET", "127.0.0.1:8309", "/v2/x", "note", "a b+c&d=é", at.Unix())
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, host, path, name, value string, seconds int64) {
		request := &rest.Request{Method: method, Host: host, Path: path, Query: url.Values{name: {value}}.Encode()}
		require.NoError(t, s.sign(request, time.Unix(seconds, 0)))
		query, _, _ := strings.Cut(request.Query, "&Signature=")
		require.NotContains(t, query, "+")
		mac := hmac.New(sha256.New, []byte(file.Secret.Reveal()))
		mac.Write([]byte(method + "\n" + host + "\n" + path + "\n" + query))
		require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), request.Signature)

		sent, err := url.ParseQuery(request.Query)
		require.NoError(t, err)
		require.Equal(t, request.Signature, sent.Get("Signature"))
		last := ""
		for pair := range strings.SplitSeq(query, "&") {
			escaped, _, _ := strings.Cut(pair, "=")
			name, err := url.QueryUnescape(escaped)
			require.NoError(t, err)
			require.LessOrEqual(t, last, name)
			last = name
		}
	})
}
