package deribit

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// What is signed, as in the vectors. The conformance suite checks the signatures
// themselves.
func TestSignedText(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "deribit")
	for _, vector := range file.Vectors {
		nonce := strings.Split(vector.StringToSign, "\n")[1]
		if strings.HasPrefix(vector.Name, "login") {
			assert.Equal(t, vector.StringToSign, loginText(at, nonce), vector.Name)
			continue
		}
		request := &rest.Request{Method: vector.Method, Path: vector.Path, Query: vector.Query, Body: []byte(vector.Body)}
		assert.Equal(t, vector.StringToSign, requestText(request, at, nonce), vector.Name)
	}
}

// The example of Deribit's own documentation.
func TestDocumentedSignature(t *testing.T) {
	s, err := newSigner(exchanges.Credential{APIKey: "AMANDA", APISecret: "AMANDASECRECT"})
	require.NoError(t, err)
	signature, err := s.signature(loginText(time.UnixMilli(1576074319000), "1iqt2wls"))
	require.NoError(t, err)
	assert.Equal(t, "56590594f97921b09b18f166befe0d1319b198bbcdad7ca73382de2f88fe9aa1", signature)
}

func TestLoginBody(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "deribit")
	read := func(c exchanges.Credential) (string, map[string]any) {
		s, err := newSigner(c)
		require.NoError(t, err)
		request := &rest.Request{Method: http.MethodPost, Path: pathOf(methodAuth), Header: http.Header{}}
		require.NoError(t, s.sign(request, at))
		assert.Empty(t, request.Header, "a login carries no authorization")
		var body message
		require.NoError(t, json.Unmarshal(request.Body, &body))
		assert.Equal(t, message{"2.0", 1, "public/auth", body.Params}, body)
		assert.Regexp(t, `^session:vault_[0-9a-f]{8}$`, body.Params["scope"])
		delete(body.Params, "scope")
		return request.Signature, body.Params
	}

	signature, sent := read(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
	assert.Empty(t, signature)
	assert.Equal(t, map[string]any{
		"grant_type": "client_credentials", "client_id": file.APIKey, "client_secret": file.Secret.Reveal(),
	}, sent)

	public, private, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(t, err)
	signature, sent = read(exchanges.Credential{APIKey: file.APIKey, PrivateKey: private})
	assert.Equal(t, sent["signature"], signature)
	assert.Equal(t, "client_signature", sent["grant_type"])
	raw, err := base64.RawURLEncoding.DecodeString(signature)
	require.NoError(t, err)
	text := "1760000000000\n" + sent["nonce"].(string) + "\n" + sent["data"].(string)
	assert.True(t, ed25519.Verify(publicKey(t, public), []byte(text), raw))
}

func publicKey(t *testing.T, text string) ed25519.PublicKey {
	block, _ := pem.Decode([]byte(text))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	return parsed.(ed25519.PublicKey)
}

// FuzzSign checks that the signature covers method, target and body, each line
// terminated, and that no two requests have the same nonce.
func FuzzSign(f *testing.F) {
	file, at := exchangetest.ReadVectors(f, "deribit")
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path, vector.Query, []byte(vector.Body), at.UnixMilli())
	}
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte, ms int64) {
		if path == pathOf(methodAuth) {
			return
		}
		request := &rest.Request{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
		require.NoError(t, s.sign(request, time.UnixMilli(ms)))
		parts := map[string]string{}
		for part := range strings.SplitSeq(strings.TrimPrefix(request.Header.Get("Authorization"), "deri-hmac-sha256 "), ",") {
			name, value, _ := strings.Cut(part, "=")
			parts[name] = value
		}
		if query != "" {
			path += "?" + query
		}
		mac := hmac.New(sha256.New, []byte(file.Secret.Reveal()))
		mac.Write([]byte(parts["ts"] + "\n" + parts["nonce"] + "\n" + method + "\n" + path + "\n" + string(body) + "\n"))
		require.Equal(t, hex.EncodeToString(mac.Sum(nil)), parts["sig"])
		require.Equal(t, file.APIKey, parts["id"])
		again := &rest.Request{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
		require.NoError(t, s.sign(again, time.UnixMilli(ms)))
		require.NotEqual(t, request.Header, again.Header)
	})
}
