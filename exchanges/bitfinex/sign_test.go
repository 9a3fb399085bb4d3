package bitfinex

import (
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

func TestNewSigner(t *testing.T) {
	for field, spoil := range map[string]func(*exchanges.Credential){
		"api_key":     func(c *exchanges.Credential) { c.APIKey = "" },
		"api_secret":  func(c *exchanges.Credential) { c.APISecret = "" },
		"private_key": func(c *exchanges.Credential) { c.PrivateKey = "pem" },
	} {
		c := exchanges.Credential{APIKey: "key", APISecret: "secret"}
		spoil(&c)
		_, err := newSigner(c)
		require.ErrorContains(t, err, field+":")
	}
	_, err := newSigner(exchanges.Credential{APIKey: fingerprint(sample), Token: sample})
	require.NoError(t, err)
	_, err = newSigner(exchanges.Credential{APIKey: "tok_other", Token: sample})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "api_key: it belongs to a different token, "+fingerprint(sample))
}

// TestSign compares what goes on the wire with requests made by Bitfinex's own SDK.
func TestSign(t *testing.T) {
	data, err := os.ReadFile("../../testdata/bitfinex/vectors.json")
	require.NoError(t, err)
	var file exchangetest.Vectors
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Vectors)
	for _, v := range file.Vectors {
		s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
		require.NoError(t, err)
		nonce := v.StringToSign[len("/api"+v.Path) : len(v.StringToSign)-len(v.Body)]
		at, err := strconv.ParseInt(nonce, 10, 64)
		require.NoError(t, err)
		call := &rest.Request{Method: v.Method, Path: v.Path, Header: http.Header{}, Body: []byte(v.Body)}
		require.NoError(t, s.sign(call, time.UnixMicro(at)))
		require.Equal(t, http.Header{
			"Bfx-Apikey": {file.APIKey}, "Bfx-Nonce": {nonce}, "Bfx-Signature": {v.Signature}, "Content-Type": {"application/json"},
		}, call.Header, v.Name)
		require.Equal(t, v.Signature, call.Signature)
	}
}

// A token is sent as is, whether it is the credential or one that a call is about.
func TestSignWithToken(t *testing.T) {
	want := http.Header{"Bfx-Token": {sample.Reveal()}, "Bfx-Nonce": {"1"}, "Content-Type": {"text/plain"}}
	header := http.Header{"Content-Type": {"text/plain"}}
	own, err := newSigner(exchanges.Credential{Token: sample})
	require.NoError(t, err)
	require.NoError(t, own.sign(&rest.Request{Header: header}, time.UnixMicro(1)))
	require.Equal(t, want, header)

	root, err := newSigner(exchanges.Credential{APIKey: "key", APISecret: "secret"})
	require.NoError(t, err)
	header = http.Header{"Content-Type": {"text/plain"}}
	require.NoError(t, root.as(sample)(&rest.Request{Header: header}, time.UnixMicro(1)))
	require.Equal(t, want, header)
	header = http.Header{}
	require.NoError(t, root.sign(&rest.Request{Header: header}, time.UnixMicro(1)))
	require.Empty(t, header.Get("bfx-token"))
	require.Equal(t, "2", header.Get("bfx-nonce"), "all numbers belong to one series")
}

// A number is never given out twice, whatever the clock does.
func TestNonces(t *testing.T) {
	var n nonces
	at := time.UnixMicro(1795326921851001)
	require.Equal(t, "1795326921851001", n.next(at))
	require.Equal(t, "1795326921851002", n.next(at))
	require.Equal(t, "1795326921851003", n.next(at.Add(-time.Hour)))
	require.Equal(t, "1795330521851001", n.next(at.Add(time.Hour)))
}

// FuzzSign checks that the signature covers the path, the number and the body.
func FuzzSign(f *testing.F) {
	f.Add("/v2/auth/w/token", `{"scope":"api"}`, "{}", int64(1795326921851001))
	f.Add("", "", "x", int64(0))
	f.Fuzz(func(t *testing.T, path, body, other string, at int64) {
		sign := func(body string) *rest.Request {
			s, err := newSigner(exchanges.Credential{APIKey: "key", APISecret: "secret"})
			require.NoError(t, err)
			call := &rest.Request{Path: path, Body: []byte(body), Header: http.Header{}}
			require.NoError(t, s.sign(call, time.UnixMicro(at)))
			return call
		}
		signed := sign(body)
		want, err := rest.HexHMAC384("secret")("/api" + path + signed.Header.Get("bfx-nonce") + body)
		require.NoError(t, err)
		require.Equal(t, want, signed.Signature)
		require.Equal(t, body == other, sign(other).Signature == signed.Signature)
	})
}
