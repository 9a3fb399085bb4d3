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

const bybitVectorTime = 1_753_364_096_123

// bybitCall is a vector as a call to its venue.
func bybitCall(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(bybitVectorTime),
		"X-BAPI-API-KEY", k.APIKey, "X-BAPI-TIMESTAMP", v.Timestamp, "X-BAPI-RECV-WINDOW", "5000",
		"X-BAPI-SIGN", v.Signature, "Content-Type", "application/json")
}

func bybitSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: bybitCall,
		Signed: func(c *venue.Call) (text, signature string) {
			return (&bybit{}).signedText(c), c.Header.Get("X-BAPI-SIGN")
		},
		Field: "retCode", BadSignature: bybitBadSignature,
	}
}

func TestBybitVectors(t *testing.T) {
	bybitSigning().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

func TestBybitEchoesWhatWasToBeSigned(t *testing.T) {
	file := venuetest.ReadVectors(t, "bybit")
	for _, v := range file.Vectors {
		venuetest.InUpperCase(&v)
		_, refusal := newBybit().Authenticate(bybitCall(file.Root(t, v), v))
		require.NotNil(t, refusal)
		require.Contains(t, string(refusal.Body), "origin_string["+file.Timestamp)
	}
}

func TestBybitRSA(t *testing.T) {
	private := venue.NewRSA().(*rsa.PrivateKey)
	k := &venue.Key{APIKey: "key", Signer: func() crypto.Signer { return private }}
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
			timestamp := strconv.FormatInt(bybitVectorTime+test.offset, 10)
			c := bybitCall(&venue.Key{}, venuetest.Vector{Method: http.MethodGet, Timestamp: timestamp})
			c.Header.Set("X-BAPI-RECV-WINDOW", test.window)
			refusal := (&bybit{}).checkTimestamp(c)
			if test.want == bybitOK {
				require.Nil(t, refusal)
				return
			}
			bybitSigning().RequireReason(t, refusal, test.want, "")
		})
	}
}

// FuzzBybitAuthenticate checks that only the one right signature opens the door.
func FuzzBybitAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "bybit")
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Query, v.Body, v.Timestamp, "5000", v.Signature)
	}
	f.Add("POST", "", "{}", "now", "", "")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, method, query, body, timestamp, window, signature string) {
		c := bybitCall(k, venuetest.Vector{Method: method, Query: query, Body: body, Timestamp: timestamp, Signature: signature})
		c.Header.Set("X-BAPI-RECV-WINDOW", window)
		bybitSigning().RequireSound(t, c, right)
	})
}
