package binance

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestSignature(t *testing.T) {
	file, _ := exchangetest.ReadVectors(t, "binance")
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			s, err := newSigner(file.Credential(v))
			require.NoError(t, err)
			assert.Equal(t, v.StringToSign, v.Query+v.Body)
			signature, err := s.signature(v.Query + v.Body)
			require.NoError(t, err)
			assert.Equal(t, v.Signature, signature)
		})
	}
}

// TestSign compares what goes on the wire with the vectors whose parameters
// end in the order in which sign adds them.
func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "binance")
	compared := 0
	for _, v := range file.Vectors {
		query, found := strings.CutSuffix(v.Query, "&recvWindow="+recvWindow+"&timestamp="+file.Timestamp)
		if !found {
			continue
		}
		compared++
		s, err := newSigner(file.Credential(v))
		require.NoError(t, err)
		request := &rest.Request{Method: http.MethodPost, Query: query, Header: http.Header{}}
		require.NoError(t, s.sign(request, at))
		assert.Equal(t, v.Query+"&signature="+url.QueryEscape(v.Signature), request.Query, v.Name)
		assert.Equal(t, v.Signature, request.Signature, v.Name)
		assert.Equal(t, file.APIKey, request.Header.Get("X-MBX-APIKEY"), v.Name)
	}
	assert.Equal(t, 2, compared)
}

// FuzzSign checks that the signature is always the last parameter, reads back as it
// was made, and covers the query and the body.
func FuzzSign(f *testing.F) {
	f.Add("email=a%40b.c", "")
	f.Add("", "email=a%40b.c&publicKey=%2B%2F%3D%0A")
	f.Add("", "")
	_, private, err := exchanges.NewKeyPair(exchanges.KeyEd25519)
	require.NoError(f, err)
	var signers []signer
	for _, credential := range []exchanges.Credential{{APIKey: "k", APISecret: "s"}, {APIKey: "k", PrivateKey: private}} {
		s, err := newSigner(credential)
		require.NoError(f, err)
		signers = append(signers, s)
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		for _, s := range signers {
			request := &rest.Request{Method: http.MethodPost, Query: query, Body: []byte(body), Header: http.Header{}}
			require.NoError(t, s.sign(request, time.UnixMilli(1)))
			at := strings.LastIndex(request.Query, "&signature=")
			require.Positive(t, at)
			got, err := url.QueryUnescape(request.Query[at+len("&signature="):])
			require.NoError(t, err)
			require.Equal(t, request.Signature, got)
			again, err := s.signature(request.Query[:at] + body)
			require.NoError(t, err)
			require.Equal(t, again, got)
			require.Equal(t, body, string(request.Body))
		}
	})
}
