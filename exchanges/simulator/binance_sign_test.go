package simulator

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binanceVectors are signatures computed outside of this project. A vector with
// a private key is signed with that one, any other with the secret.
type binanceVectors struct {
	APIKey  string `json:"api_key"`
	Secret  string `json:"secret"`
	Vectors []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		PrivateKey   string `json:"private_key"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readBinanceVectors(t testing.TB) binanceVectors {
	data, err := os.ReadFile("../../testdata/binance/vectors.json")
	require.NoError(t, err)
	var vectors binanceVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// binanceNow is when the vectors were signed, in milliseconds.
const binanceNow = 1_760_000_000_000

// binanceCall is a call to the one key that its books hold.
func binanceCall(k *key, method, query, body string) *call {
	header := http.Header{}
	header.Set("X-MBX-APIKEY", k.apiKey)
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	return &call{
		Request: &http.Request{Method: method, URL: &url.URL{RawQuery: query}, Header: header},
		body:    []byte(body),
		caller:  netip.MustParseAddr("127.0.0.1"),
		now:     time.UnixMilli(binanceNow),
		books:   &books{keys: []*key{k}},
	}
}

func binanceCode(t testing.TB, refusal *answer) int {
	require.NotNil(t, refusal)
	var body struct {
		Code int `json:"code"`
	}
	require.NoError(t, json.Unmarshal(refusal.body, &body))
	return body.Code
}

func TestBinanceVectors(t *testing.T) {
	file := readBinanceVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			k := &key{apiKey: strings.Repeat("k", 64), secret: file.Secret}
			wrong := strings.Repeat("0", 64)
			if vector.PrivateKey != "" {
				block, _ := pem.Decode([]byte(vector.PrivateKey))
				private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
				require.NoError(t, err)
				k.secret, k.public = "", private.(ed25519.PrivateKey).Public()
				wrong = base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
			}
			b := &binance{}
			join := func(text, signature string) string { return text + "&signature=" + url.QueryEscape(signature) }

			signed := []*call{binanceCall(k, vector.Method, join(vector.Query, vector.Signature), vector.Body)}
			if vector.Body != "" {
				signed = append(signed, binanceCall(k, vector.Method, vector.Query, join(vector.Body, vector.Signature)))
			}
			for _, c := range signed {
				text, signature := b.signedText(c)
				require.Equal(t, vector.StringToSign, text)
				require.Equal(t, vector.Signature, signature)
				caller, refusal := b.authenticate(c)
				require.Nil(t, refusal)
				require.Same(t, k, caller)
			}
			for name, query := range map[string]string{
				"wrong":              join(vector.Query, wrong),
				"no encoding":        join(vector.Query, "%%%"),
				"not the last":       join(vector.Query, vector.Signature) + "&a=b",
				"signed, then added": "a=b&" + join(vector.Query, vector.Signature),
			} {
				_, refusal := b.authenticate(binanceCall(k, vector.Method, query, vector.Body))
				require.Equal(t, binanceBadSignature, binanceCode(t, refusal), name)
			}
		})
	}
}

func TestBinanceSignatureCase(t *testing.T) {
	file := readBinanceVectors(t)
	require.True(t, (&binance{}).verifies(&key{secret: file.Secret}, file.Vectors[0].StringToSign, strings.ToUpper(file.Vectors[0].Signature)),
		"the case of a hexadecimal signature does not matter")
}

// What is signed is what is sent; signing it before it is percent-encoded was
// once allowed.
func TestBinanceSignsTheEncodedForm(t *testing.T) {
	b, k := &binance{}, &key{apiKey: strings.Repeat("k", 64), secret: "secret"}
	const encoded, plain = "email=a%40b.c&timestamp=1760000000000", "email=a@b.c&timestamp=1760000000000"
	for text, accepted := range map[string]bool{encoded: true, plain: false} {
		mac := hmac.New(sha256.New, []byte(k.secret))
		mac.Write([]byte(text))
		c := binanceCall(k, http.MethodGet, encoded+"&signature="+hex.EncodeToString(mac.Sum(nil)), "")
		_, refusal := b.authenticate(c)
		if accepted {
			require.Nil(t, refusal)
			continue
		}
		require.Equal(t, binanceBadSignature, binanceCode(t, refusal))
	}
}

func TestBinanceRSA(t *testing.T) {
	private := newRSA().(*rsa.PrivateKey)
	k := &key{signer: func() crypto.Signer { return private }}
	digest := sha256.Sum256([]byte("text"))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	require.NoError(t, err)
	encoded := base64.StdEncoding.EncodeToString(signature)
	b := &binance{}
	require.True(t, b.verifies(k, "text", encoded))
	require.False(t, b.verifies(k, "other text", encoded))
	require.False(t, b.verifies(k, "text", "not base64"))
	require.False(t, b.verifies(&key{public: "of no known kind"}, "text", encoded))
}

func TestBinanceTimestampWindow(t *testing.T) {
	const minute = 60_000
	for _, test := range []struct {
		name      string
		timestamp int64
		window    string
		want      int // zero: accepted
	}{
		{"in time", binanceNow, "", 0},
		{"as old as the default window", binanceNow - 5000, "", 0},
		{"older than the default window", binanceNow - 5001, "", binanceBadTimestamp},
		{"as old as the window", binanceNow - minute, "60000", 0},
		{"a window with decimals", binanceNow - 1, "1.250", 0},
		{"older than a window with decimals", binanceNow - 2, "1.250", binanceBadTimestamp},
		{"a window that is too long", binanceNow, "60001", binanceBadValue},
		{"no number for a window", binanceNow, "long", binanceBadValue},
		{"nearly a second ahead", binanceNow + 999, "60000", 0},
		{"a second ahead", binanceNow + 1000, "60000", binanceBadTimestamp},
		{"microseconds", binanceNow * 1000, "", 0},
		{"microseconds, too old", (binanceNow - 5001) * 1000, "", binanceBadTimestamp},
	} {
		t.Run(test.name, func(t *testing.T) {
			query := "timestamp=" + strconv.FormatInt(test.timestamp, 10)
			if test.window != "" {
				query += "&recvWindow=" + test.window
			}
			b := &binance{}
			c := binanceCall(&key{}, http.MethodGet, query, "")
			refusal := b.checkTimestamp(c, b.params(c))
			if test.want == 0 {
				require.Nil(t, refusal)
				return
			}
			require.Equal(t, test.want, binanceCode(t, refusal))
		})
	}
}

// FuzzBinanceAuthenticate checks that only the one right signature opens the door.
func FuzzBinanceAuthenticate(f *testing.F) {
	file := readBinanceVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		if vector.PrivateKey == "" {
			f.Add(vector.Query+"&signature="+vector.Signature, vector.Body)
			right[vector.StringToSign] = vector.Signature
		}
	}
	f.Add("timestamp=1760000000000", "signature=")
	k := &key{apiKey: strings.Repeat("k", 64), secret: file.Secret}
	f.Fuzz(func(t *testing.T, query, body string) {
		b := &binance{}
		c := binanceCall(k, http.MethodPost, query, body)
		caller, refusal := b.authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		signed, signature := b.signedText(c)
		require.Equal(t, right[signed], strings.ToLower(signature))
	})
}
