package okx

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_753_364_096_123),
		"OK-ACCESS-KEY", k.APIKey, "OK-ACCESS-PASSPHRASE", k.Passphrase, "OK-ACCESS-TIMESTAMP", v.Timestamp,
		"OK-ACCESS-SIGN", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("OK-ACCESS-TIMESTAMP") + c.Method + c.RequestURI + string(c.Body), c.Header.Get("OK-ACCESS-SIGN")
		},
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

// A caller's clock may be off by 30 seconds, either way.
func TestTimestampWindow(t *testing.T) {
	k := venuetest.ReadVectors(t, "okx").Root(t, venuetest.Vector{})
	for timestamp, want := range map[string]string{
		"2025-07-24T13:34:56.123Z":      badSignature, // within the window; the next check fails
		"2025-07-24T13:34:56Z":          badSignature, // widely used, and accepted
		"2025-07-24T13:34:26.123Z":      badSignature,
		"2025-07-24T13:35:26.123Z":      badSignature,
		"2025-07-24T13:34:26.122Z":      expiredTimestamp,
		"2025-07-24T13:35:26.124Z":      expiredTimestamp,
		"2025-07-24T15:34:56.123+02:00": badTimestamp,
		"1753364096123":                 badTimestamp,
		"":                              noTimestamp,
	} {
		c := call(k, venuetest.Vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "x"})
		signing().RequireRefused(t, c, want, timestamp)
	}
}

// Every code that the rules use has a text.
func TestErrors(t *testing.T) {
	require.Panics(t, func() { errorOf("1") })
	status, message := errorOf(notBound)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "This endpoint requires that APIKey must be bound to IP", message)
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
