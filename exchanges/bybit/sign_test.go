package bybit

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestSignWithRSA(t *testing.T) {
	_, private, err := exchanges.NewKeyPair(exchanges.KeyRSA)
	require.NoError(t, err)
	parsed, err := exchanges.ParsePrivateKey(private)
	require.NoError(t, err)
	s, err := newSigner(exchanges.Credential{APIKey: "key", PrivateKey: private})
	require.NoError(t, err)
	request := &rest.Request{Method: http.MethodPost, Header: http.Header{}, Body: []byte(`{"a":1}`)}
	require.NoError(t, s.sign(request, time.UnixMilli(1753364096123)))

	signature, err := base64.StdEncoding.DecodeString(request.Header.Get("X-BAPI-SIGN"))
	require.NoError(t, err)
	digest := sha256.Sum256([]byte(`1753364096123key5000{"a":1}`))
	require.NoError(t, rsa.VerifyPKCS1v15(parsed.Public().(*rsa.PublicKey), crypto.SHA256, digest[:], signature))
}

// The signature covers exactly the time, the key, the window, and the query of a
// GET or the body of a POST.
func FuzzSign(f *testing.F) {
	f.Add("key", "secret", "a=b", []byte(`{"a":"b"}`), int64(1753364096123), true)
	f.Add("", "", "", []byte(nil), int64(0), false)
	f.Fuzz(func(t *testing.T, apiKey, secret, query string, body []byte, at int64, post bool) {
		s := signer{apiKey, rest.HexHMAC(exchanges.Secret(secret))}
		request := &rest.Request{Method: http.MethodGet, Query: query, Header: http.Header{}, Body: body}
		payload := query
		if post {
			request.Method, payload = http.MethodPost, string(body)
		}
		require.NoError(t, s.sign(request, time.UnixMilli(at)))

		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(strconv.FormatInt(at, 10) + apiKey + "5000" + payload))
		require.Equal(t, hex.EncodeToString(mac.Sum(nil)), request.Header.Get("X-BAPI-SIGN"))
		require.Equal(t, request.Signature, request.Header.Get("X-BAPI-SIGN"), "what is sent must be what is scrubbed")
		require.Equal(t, apiKey, request.Header.Get("X-BAPI-API-KEY"))
		require.Equal(t, "5000", request.Header.Get("X-BAPI-RECV-WINDOW"))
	})
}
