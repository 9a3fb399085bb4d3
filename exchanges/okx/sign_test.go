package okx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func signerOf(t testing.TB, file exchangetest.Vectors, environment string) signer {
	s, err := newSigner(exchanges.Credential{
		APIKey: file.APIKey, APISecret: file.Secret, Passphrase: file.Passphrase,
	}, environment)
	require.NoError(t, err)
	return s
}

func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "okx")
	for _, vector := range file.Vectors {
		for _, environment := range []string{"", demo} {
			request := &rest.Request{
				Method: vector.Method, Path: vector.Path, Query: vector.Query, Body: []byte(vector.Body), Header: http.Header{},
			}
			// OKX wants UTC, whatever the zone of the given time.
			elsewhere := at.In(time.FixedZone("", 7200))
			require.NoError(t, signerOf(t, file, environment).sign(request, elsewhere))
			want := http.Header{}
			want.Set("OK-ACCESS-KEY", file.APIKey)
			want.Set("OK-ACCESS-PASSPHRASE", file.Passphrase.Reveal())
			want.Set("OK-ACCESS-TIMESTAMP", file.Timestamp)
			want.Set("OK-ACCESS-SIGN", vector.Signature)
			if environment == demo {
				want.Set("x-simulated-trading", "1")
			}
			require.Equal(t, want, request.Header, vector.Name)
			require.Equal(t, vector.Signature, request.Signature)
		}
	}
}

// FuzzSign checks that the signature covers method, target and body, and that
// the header has milliseconds.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "okx")
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path, vector.Query, []byte(vector.Body), at.UnixMilli())
	}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, ms int64) {
		request := &rest.Request{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
		require.NoError(t, signerOf(t, file, "").sign(request, time.UnixMilli(ms)))
		if query != "" {
			path += "?" + query
		}
		mac := hmac.New(sha256.New, []byte(file.Secret.Reveal()))
		mac.Write([]byte(request.Header.Get("OK-ACCESS-TIMESTAMP") + method + path + string(body)))
		require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), request.Header.Get("OK-ACCESS-SIGN"))
		require.Regexp(t, `\.\d{3}Z$`, request.Header.Get("OK-ACCESS-TIMESTAMP"))
	})
}
