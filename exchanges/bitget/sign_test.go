package bitget

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func readVectors(t testing.TB) (file exchangetest.Vectors, at time.Time) {
	data, err := os.ReadFile("../../testdata/bitget/vectors.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Vectors)
	ms, err := strconv.ParseInt(file.Timestamp, 10, 64)
	require.NoError(t, err)
	return file, time.UnixMilli(ms)
}

func signerOf(t testing.TB, file exchangetest.Vectors) signer {
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret, Passphrase: file.Passphrase})
	require.NoError(t, err)
	return s
}

func TestSign(t *testing.T) {
	file, at := readVectors(t)
	for _, vector := range file.Vectors {
		request := &rest.Request{
			Method: vector.Method, Path: vector.Path, Query: vector.Query, Body: []byte(vector.Body), Header: http.Header{},
		}
		require.NoError(t, signerOf(t, file).sign(request, at))
		want := http.Header{}
		want.Set("ACCESS-KEY", file.APIKey)
		want.Set("ACCESS-PASSPHRASE", file.Passphrase.Reveal())
		want.Set("ACCESS-TIMESTAMP", file.Timestamp)
		want.Set("ACCESS-SIGN", vector.Signature)
		want.Set("locale", "en-US")
		require.Equal(t, want, request.Header, vector.Name)
		require.Equal(t, vector.Signature, request.Signature)
	}
}

func TestNewSigner(t *testing.T) {
	_, ed25519Key, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		spoil func(*exchanges.Credential)
		says  string
	}{
		"no key":        {func(c *exchanges.Credential) { c.APIKey = "" }, "api_key: missing"},
		"no secret":     {func(c *exchanges.Credential) { c.APISecret = "" }, "api_secret: missing"},
		"no passphrase": {func(c *exchanges.Credential) { c.Passphrase = "" }, "passphrase: missing"},
		"both":          {func(c *exchanges.Credential) { c.PrivateKey = "PEM" }, "private_key: give either"},
		"no PEM":        {func(c *exchanges.Credential) { c.APISecret, c.PrivateKey = "", "PEM" }, "private_key: not PEM"},
		"wrong type":    {func(c *exchanges.Credential) { c.APISecret, c.PrivateKey = "", ed25519Key }, "RSA keys only"},
	} {
		c := credential()
		test.spoil(&c)
		_, err := newSigner(c)
		require.ErrorContains(t, err, test.says, name)
	}
}

// FuzzSign checks that the signature covers time, method, target and body.
func FuzzSign(f *testing.F) {
	file, at := readVectors(f)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path, vector.Query, []byte(vector.Body), at.UnixMilli())
	}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, ms int64) {
		request := &rest.Request{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
		require.NoError(t, signerOf(t, file).sign(request, time.UnixMilli(ms)))
		if query != "" {
			path += "?" + query
		}
		mac := hmac.New(sha256.New, []byte(file.Secret.Reveal()))
		mac.Write([]byte(strconv.FormatInt(ms, 10) + method + path + string(body)))
		require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), request.Header.Get("ACCESS-SIGN"))
	})
}
