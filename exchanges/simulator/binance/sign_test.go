package binance

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// binanceNow is when the vectors were signed, in milliseconds.
const binanceNow = 1_760_000_000_000

// binanceCall is a call with query and body as they are.
func binanceCall(k *venue.Key, method, query, body string) *venue.Call {
	return venuetest.Vector{Method: method, Query: query, Body: body}.CallTo(k, time.UnixMilli(binanceNow),
		"X-MBX-APIKEY", k.APIKey, "Content-Type", "application/x-www-form-urlencoded")
}

func binanceSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Signed: (&binance{}).signedText,
		Field: "code", BadSignature: binanceBadSignature,
	}
}

func TestBinanceVectors(t *testing.T) {
	file, s := venuetest.ReadVectors(t, "binance"), binanceSigning()
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			k := file.Root(t, v)
			wrong := strings.Repeat("0", 64)
			if k.Public != nil {
				wrong = base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
			}
			join := func(text, signature string) string { return text + "&signature=" + url.QueryEscape(signature) }

			s.RequireAdmitted(t, binanceCall(k, v.Method, join(v.Query, v.Signature), v.Body), v)
			if v.Body != "" {
				s.RequireAdmitted(t, binanceCall(k, v.Method, v.Query, join(v.Body, v.Signature)), v)
			}
			for name, query := range map[string]string{
				"wrong":              join(v.Query, wrong),
				"no encoding":        join(v.Query, "%%%"),
				"not the last":       join(v.Query, v.Signature) + "&a=b",
				"signed, then added": "a=b&" + join(v.Query, v.Signature),
			} {
				s.RequireRefused(t, binanceCall(k, v.Method, query, v.Body), s.BadSignature, name)
			}
		})
	}
}

func TestBinanceSignatureCase(t *testing.T) {
	file := venuetest.ReadVectors(t, "binance")
	require.True(t, (&binance{}).verifies(&venue.Key{Secret: file.Secret}, file.Vectors[0].StringToSign, strings.ToUpper(file.Vectors[0].Signature)),
		"the case of a hexadecimal signature does not matter")
}

// What is signed is what is sent; signing it before it is percent-encoded was
// once allowed.
func TestBinanceSignsTheEncodedForm(t *testing.T) {
	b, k := &binance{}, &venue.Key{APIKey: strings.Repeat("k", 64), Secret: "secret"}
	const encoded, plain = "email=a%40b.c&timestamp=1760000000000", "email=a@b.c&timestamp=1760000000000"
	for text, accepted := range map[string]bool{encoded: true, plain: false} {
		mac := hmac.New(sha256.New, []byte(k.Secret))
		mac.Write([]byte(text))
		c := binanceCall(k, http.MethodGet, encoded+"&signature="+hex.EncodeToString(mac.Sum(nil)), "")
		_, refusal := b.Authenticate(c)
		if accepted {
			require.Nil(t, refusal)
			continue
		}
		binanceSigning().RequireReason(t, refusal, binanceBadSignature, text)
	}
}

func TestBinanceRSA(t *testing.T) {
	private := venue.NewRSA().(*rsa.PrivateKey)
	k := &venue.Key{Signer: func() crypto.Signer { return private }}
	digest := sha256.Sum256([]byte("text"))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	require.NoError(t, err)
	encoded := base64.StdEncoding.EncodeToString(signature)
	b := &binance{}
	require.True(t, b.verifies(k, "text", encoded))
	require.False(t, b.verifies(k, "other text", encoded))
	require.False(t, b.verifies(k, "text", "not base64"))
	require.False(t, b.verifies(&venue.Key{Public: "of no known kind"}, "text", encoded))
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
			c := binanceCall(&venue.Key{}, http.MethodGet, query, "")
			refusal := b.checkTimestamp(c, b.params(c))
			if test.want == 0 {
				require.Nil(t, refusal)
				return
			}
			binanceSigning().RequireReason(t, refusal, test.want, "")
		})
	}
}

// FuzzBinanceAuthenticate checks that only the one right signature opens the door.
func FuzzBinanceAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "binance")
	for _, v := range file.Vectors {
		if v.PrivateKey == "" {
			f.Add(v.Query+"&signature="+v.Signature, v.Body)
		}
	}
	f.Add("timestamp=1760000000000", "signature=")
	s := binanceSigning()
	s.Signed = func(c *venue.Call) (text, signature string) {
		text, signature = (&binance{}).signedText(c)
		return text, strings.ToLower(signature)
	}
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, query, body string) {
		s.RequireSound(t, binanceCall(k, http.MethodPost, query, body), right)
	})
}
