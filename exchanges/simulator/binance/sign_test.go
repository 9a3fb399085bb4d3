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

// now is when the vectors were signed, in milliseconds.
const now = 1_760_000_000_000

// call is a call with the query and the body as given.
func call(k *venue.Key, method, query, body string) *venue.Call {
	return venuetest.Vector{Method: method, Query: query, Body: body}.CallTo(k, time.UnixMilli(now),
		"X-MBX-APIKEY", k.APIKey, "Content-Type", "application/x-www-form-urlencoded")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Signed: (&exchange{}).signedText,
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	file, s := venuetest.ReadVectors(t, "binance"), signing()
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			k := file.Root(t, v)
			wrong := strings.Repeat("0", 64)
			if k.Public != nil {
				wrong = base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
			}
			join := func(text, signature string) string { return text + "&signature=" + url.QueryEscape(signature) }

			s.RequireAdmitted(t, call(k, v.Method, join(v.Query, v.Signature), v.Body), v)
			if v.Body != "" {
				s.RequireAdmitted(t, call(k, v.Method, v.Query, join(v.Body, v.Signature)), v)
			}
			for name, query := range map[string]string{
				"wrong":              join(v.Query, wrong),
				"no encoding":        join(v.Query, "%%%"),
				"not the last":       join(v.Query, v.Signature) + "&a=b",
				"signed, then added": "a=b&" + join(v.Query, v.Signature),
			} {
				s.RequireRefused(t, call(k, v.Method, query, v.Body), s.BadSignature, name)
			}
		})
	}
}

func TestSignatureCase(t *testing.T) {
	file := venuetest.ReadVectors(t, "binance")
	require.True(t, (&exchange{}).verifies(&venue.Key{Secret: file.Secret}, file.Vectors[0].StringToSign, strings.ToUpper(file.Vectors[0].Signature)),
		"the case of a hexadecimal signature does not matter")
}

// The signature covers what is sent. Signing before percent-encoding was once
// allowed.
func TestSignsTheEncodedForm(t *testing.T) {
	e, k := &exchange{}, &venue.Key{APIKey: strings.Repeat("k", 64), Secret: "secret"}
	const encoded, plain = "email=a%40b.c&timestamp=1760000000000", "email=a@b.c&timestamp=1760000000000"
	for text, accepted := range map[string]bool{encoded: true, plain: false} {
		mac := hmac.New(sha256.New, []byte(k.Secret))
		mac.Write([]byte(text))
		c := call(k, http.MethodGet, encoded+"&signature="+hex.EncodeToString(mac.Sum(nil)), "")
		_, refusal := e.Authenticate(c)
		if accepted {
			require.Nil(t, refusal)
			continue
		}
		signing().RequireReason(t, refusal, badSignature, text)
	}
}

func TestRSA(t *testing.T) {
	private := venue.NewRSA().(*rsa.PrivateKey)
	k := &venue.Key{Signer: func() crypto.Signer { return private }}
	digest := sha256.Sum256([]byte("text"))
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	require.NoError(t, err)
	encoded := base64.StdEncoding.EncodeToString(signature)
	e := &exchange{}
	require.True(t, e.verifies(k, "text", encoded))
	require.False(t, e.verifies(k, "other text", encoded))
	require.False(t, e.verifies(k, "text", "not base64"))
	require.False(t, e.verifies(&venue.Key{Public: "of no known kind"}, "text", encoded))
}

func TestTimestampWindow(t *testing.T) {
	const minute = 60_000
	for _, test := range []struct {
		name      string
		timestamp int64
		window    string
		want      int // zero: accepted
	}{
		{"in time", now, "", 0},
		{"as old as the default window", now - 5000, "", 0},
		{"older than the default window", now - 5001, "", badTimestamp},
		{"as old as the window", now - minute, "60000", 0},
		{"a window with decimals", now - 1, "1.250", 0},
		{"older than a window with decimals", now - 2, "1.250", badTimestamp},
		{"a window that is too long", now, "60001", badValue},
		{"no number for a window", now, "long", badValue},
		{"nearly a second ahead", now + 999, "60000", 0},
		{"a second ahead", now + 1000, "60000", badTimestamp},
		{"microseconds", now * 1000, "", 0},
		{"microseconds, too old", (now - 5001) * 1000, "", badTimestamp},
	} {
		t.Run(test.name, func(t *testing.T) {
			query := "timestamp=" + strconv.FormatInt(test.timestamp, 10)
			if test.window != "" {
				query += "&recvWindow=" + test.window
			}
			e := &exchange{}
			c := call(&venue.Key{}, http.MethodGet, query, "")
			refusal := e.checkTimestamp(c, e.params(c))
			if test.want == 0 {
				require.Nil(t, refusal)
				return
			}
			signing().RequireReason(t, refusal, test.want, "")
		})
	}
}

// FuzzAuthenticate checks that only the correct signature is accepted.
func FuzzAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "binance")
	for _, v := range file.Vectors {
		if v.PrivateKey == "" {
			f.Add(v.Query+"&signature="+v.Signature, v.Body)
		}
	}
	f.Add("timestamp=1760000000000", "signature=")
	s := signing()
	s.Signed = func(c *venue.Call) (text, signature string) {
		text, signature = (&exchange{}).signedText(c)
		return text, strings.ToLower(signature)
	}
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, query, body string) {
		s.RequireSound(t, call(k, http.MethodPost, query, body), right)
	})
}
