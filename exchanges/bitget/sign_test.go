package bitget

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func signerOf(t testing.TB, file exchangetest.Vectors) signer {
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret, Passphrase: file.Passphrase})
	require.NoError(t, err)
	return s
}

func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "bitget")
	for _, vector := range file.Vectors {
		call := &rest.Request{
			Method: vector.Method, Path: vector.Path, Query: vector.Query, Body: []byte(vector.Body), Header: http.Header{},
		}
		require.NoError(t, signerOf(t, file).sign(call, at))
		want := http.Header{}
		want.Set("ACCESS-KEY", file.APIKey)
		want.Set("ACCESS-PASSPHRASE", file.Passphrase.Reveal())
		want.Set("ACCESS-TIMESTAMP", file.Timestamp)
		want.Set("ACCESS-SIGN", vector.Signature)
		want.Set("locale", "en-US")
		require.Equal(t, want, call.Header, vector.Name)
		require.Equal(t, vector.Signature, call.Signature)
	}
}

// FuzzSign checks that the signature covers the time, method, target and body.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "bitget")
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path, vector.Query, []byte(vector.Body), at.UnixMilli())
	}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, ms int64) {
		call := &rest.Request{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
		require.NoError(t, signerOf(t, file).sign(call, time.UnixMilli(ms)))
		if query != "" {
			path += "?" + query
		}
		mac := hmac.New(sha256.New, []byte(file.Secret.Reveal()))
		mac.Write([]byte(strconv.FormatInt(ms, 10) + method + path + string(body)))
		require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), call.Header.Get("ACCESS-SIGN"))
	})
}
