package bybit

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const vectorTime = 1_753_364_096_123

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(vectorTime),
		"X-BAPI-API-KEY", k.APIKey, "X-BAPI-TIMESTAMP", v.Timestamp, "X-BAPI-RECV-WINDOW", "5000",
		"X-BAPI-SIGN", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			return (&exchange{}).signedText(c), c.Header.Get("X-BAPI-SIGN")
		},
		Field: "retCode", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

func TestEchoesWhatWasToBeSigned(t *testing.T) {
	file := venuetest.ReadVectors(t, "bybit")
	for _, v := range file.Vectors {
		venuetest.InUpperCase(&v)
		_, refusal := newRules().Authenticate(call(file.Root(t, v), v))
		require.NotNil(t, refusal)
		require.Contains(t, string(refusal.Body), "origin_string["+file.Timestamp)
	}
}

func TestRSA(t *testing.T) {
	private := venue.NewRSA().(*rsa.PrivateKey)
	k := &venue.Key{APIKey: "key", Signer: func() crypto.Signer { return private }}
	digest := sha256.Sum256([]byte("text"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	require.NoError(t, err)

	e := &exchange{}
	encoded := base64.StdEncoding.EncodeToString(signature)
	require.True(t, e.verifies(k, "text", encoded))
	require.False(t, e.verifies(k, "other text", encoded))
	require.False(t, e.verifies(k, "text", base64.RawURLEncoding.EncodeToString(signature)))
	require.False(t, e.verifies(k, "text", ""))
}

// A caller's clock may be behind by the receive window, but must be ahead by
// less than a second, whatever the window.
func TestTimestampWindow(t *testing.T) {
	tests := []struct {
		name   string
		offset int64 // of the caller's clock, in milliseconds
		window string
		want   int
	}{
		{"in time", 0, "5000", codeOK},
		{"default window", -5000, "", codeOK},
		{"older than the default", -5001, "", badTimestamp},
		{"as old as the window", -20000, "20000", codeOK},
		{"older than the window", -20001, "20000", badTimestamp},
		{"nearly a second ahead", 999, "5000", codeOK},
		{"a second ahead", 1000, "60000", badTimestamp},
		{"no number for a window", 0, "long", badParameter},
		{"no window at all", 0, "0", badParameter},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			timestamp := strconv.FormatInt(vectorTime+test.offset, 10)
			c := call(&venue.Key{}, venuetest.Vector{Method: http.MethodGet, Timestamp: timestamp})
			c.Header.Set("X-BAPI-RECV-WINDOW", test.window)
			refusal := (&exchange{}).checkTimestamp(c)
			if test.want == codeOK {
				require.Nil(t, refusal)
				return
			}
			signing().RequireReason(t, refusal, test.want, "")
		})
	}
}

// FuzzAuthenticate checks that only the correct signature is accepted.
func FuzzAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "bybit")
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Query, v.Body, v.Timestamp, "5000", v.Signature)
	}
	f.Add("POST", "", "{}", "now", "", "")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, method, query, body, timestamp, window, signature string) {
		c := call(k, venuetest.Vector{Method: method, Query: query, Body: body, Timestamp: timestamp, Signature: signature})
		c.Header.Set("X-BAPI-RECV-WINDOW", window)
		signing().RequireSound(t, c, right)
	})
}
