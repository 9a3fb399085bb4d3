package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bybitVectors are signatures computed outside of this project.
type bybitVectors struct {
	APIKey     string `json:"api_key"`
	Secret     string `json:"secret"`
	Timestamp  string `json:"timestamp"`
	RecvWindow string `json:"recv_window"`
	Vectors    []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readBybitVectors(t testing.TB) bybitVectors {
	data, err := os.ReadFile("../../testdata/bybit/vectors.json")
	require.NoError(t, err)
	var vectors bybitVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// bybitCall is a signed call to the one key that its books hold.
func bybitCall(k *key, method, query, body, timestamp, window, signature string) *call {
	header := http.Header{}
	for name, value := range map[string]string{
		"X-BAPI-API-KEY": k.apiKey, "X-BAPI-TIMESTAMP": timestamp, "X-BAPI-RECV-WINDOW": window,
		"X-BAPI-SIGN": signature, "Content-Type": "application/json",
	} {
		if value != "" {
			header.Set(name, value)
		}
	}
	return &call{
		Request: &http.Request{Method: method, URL: &url.URL{RawQuery: query}, Header: header},
		body:    []byte(body),
		now:     time.UnixMilli(1_753_364_096_123),
		books:   &books{keys: []*key{k}},
	}
}

func refusalCode(t testing.TB, refusal *answer) int {
	var envelope struct {
		RetCode int `json:"retCode"`
	}
	require.NoError(t, json.Unmarshal(refusal.body, &envelope))
	return envelope.RetCode
}

func TestBybitVectors(t *testing.T) {
	file := readBybitVectors(t)
	k := &key{apiKey: file.APIKey, secret: file.Secret}
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			c := bybitCall(k, vector.Method, vector.Query, vector.Body, file.Timestamp, file.RecvWindow, vector.Signature)
			b := &bybit{}
			require.Equal(t, vector.StringToSign, b.signedText(c))
			caller, refusal := b.authenticate(c)
			require.Nil(t, refusal)
			require.Same(t, k, caller)

			c.Header.Set("X-BAPI-SIGN", strings.ToUpper(vector.Signature))
			_, refusal = b.authenticate(c)
			require.NotNil(t, refusal, "upper case is another signature")
			require.Equal(t, bybitBadSignature, refusalCode(t, refusal))
			require.Contains(t, string(refusal.body), "origin_string["+file.Timestamp)
		})
	}
}

func TestBybitRSA(t *testing.T) {
	private := newRSA().(*rsa.PrivateKey)
	k := &key{apiKey: "key", signer: func() crypto.Signer { return private }}
	digest := sha256.Sum256([]byte("text"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	require.NoError(t, err)

	b := &bybit{}
	encoded := base64.StdEncoding.EncodeToString(signature)
	require.True(t, b.verifies(k, "text", encoded))
	require.False(t, b.verifies(k, "other text", encoded))
	require.False(t, b.verifies(k, "text", base64.RawURLEncoding.EncodeToString(signature)))
	require.False(t, b.verifies(k, "text", ""))
}

// A caller's clock may run behind by the receive window, but ahead by less than
// a second, whatever the window.
func TestBybitTimestampWindow(t *testing.T) {
	tests := []struct {
		name   string
		offset int64 // of the caller's clock, in milliseconds
		window string
		want   int
	}{
		{"in time", 0, "5000", bybitOK},
		{"default window", -5000, "", bybitOK},
		{"older than the default", -5001, "", bybitBadTimestamp},
		{"as old as the window", -20000, "20000", bybitOK},
		{"older than the window", -20001, "20000", bybitBadTimestamp},
		{"nearly a second ahead", 999, "5000", bybitOK},
		{"a second ahead", 1000, "60000", bybitBadTimestamp},
		{"no number for a window", 0, "long", bybitBadParameter},
		{"no window at all", 0, "0", bybitBadParameter},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			timestamp := strconv.FormatInt(1_753_364_096_123+test.offset, 10)
			c := bybitCall(&key{apiKey: "key"}, http.MethodGet, "", "", timestamp, test.window, "")
			refusal := (&bybit{}).checkTimestamp(c)
			if test.want == bybitOK {
				require.Nil(t, refusal)
				return
			}
			require.Equal(t, test.want, refusalCode(t, refusal))
		})
	}
}

// FuzzBybitAuthenticate checks that only the one right signature opens the door.
func FuzzBybitAuthenticate(f *testing.F) {
	file := readBybitVectors(f)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Query, vector.Body, file.Timestamp, file.RecvWindow, vector.Signature)
	}
	f.Add("POST", "", "{}", "now", "", "")
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		right[vector.StringToSign] = vector.Signature
	}
	k := &key{apiKey: file.APIKey, secret: file.Secret}
	f.Fuzz(func(t *testing.T, method, query, body, timestamp, window, signature string) {
		b := &bybit{}
		c := bybitCall(k, method, query, body, timestamp, window, signature)
		caller, refusal := b.authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		require.Equal(t, right[b.signedText(c)], signature)
	})
}
