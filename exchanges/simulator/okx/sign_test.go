package okx

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// okxCall is a vector as a call to its venue.
func okxCall(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_753_364_096_123),
		"OK-ACCESS-KEY", k.APIKey, "OK-ACCESS-PASSPHRASE", k.Passphrase, "OK-ACCESS-TIMESTAMP", v.Timestamp,
		"OK-ACCESS-SIGN", v.Signature, "Content-Type", "application/json")
}

func okxSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: okxCall,
		Signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("OK-ACCESS-TIMESTAMP") + c.Method + c.RequestURI + string(c.Body), c.Header.Get("OK-ACCESS-SIGN")
		},
		Field: "code", BadSignature: okxBadSignature,
	}
}

func TestOKXVectors(t *testing.T) {
	okxSigning().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

// A caller's clock may be off by 30 seconds either way.
func TestOKXTimestampWindow(t *testing.T) {
	k := venuetest.ReadVectors(t, "okx").Root(t, venuetest.Vector{})
	for timestamp, want := range map[string]string{
		"2025-07-24T13:34:56.123Z":      okxBadSignature, // in time; the next check fails
		"2025-07-24T13:34:56Z":          okxBadSignature, // in wide use, and taken
		"2025-07-24T13:34:26.123Z":      okxBadSignature,
		"2025-07-24T13:35:26.123Z":      okxBadSignature,
		"2025-07-24T13:34:26.122Z":      okxExpiredTimestamp,
		"2025-07-24T13:35:26.124Z":      okxExpiredTimestamp,
		"2025-07-24T15:34:56.123+02:00": okxBadTimestamp,
		"1753364096123":                 okxBadTimestamp,
		"":                              okxNoTimestamp,
	} {
		c := okxCall(k, venuetest.Vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "x"})
		okxSigning().RequireRefused(t, c, want, timestamp)
	}
}

// Every code that the rules use has its text.
func TestOKXErrors(t *testing.T) {
	require.Panics(t, func() { okxError("1") })
	status, message := okxError(okxNotBound)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "This endpoint requires that APIKey must be bound to IP", message)
}

func FuzzOKXAuthenticate(f *testing.F) { okxSigning().Fuzz(f) }
