package bitget

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
	return v.CallTo(k, time.UnixMilli(1_767_225_600_000),
		"ACCESS-KEY", k.APIKey, "ACCESS-PASSPHRASE", k.Passphrase, "ACCESS-TIMESTAMP", v.Timestamp,
		"ACCESS-SIGN", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("ACCESS-TIMESTAMP") + c.Method + c.RequestURI + string(c.Body), c.Header.Get("ACCESS-SIGN")
		},
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

// A caller's clock may be off by 30 seconds, either way.
func TestTimestampWindow(t *testing.T) {
	k := venuetest.ReadVectors(t, "bitget").Root(t, venuetest.Vector{})
	for timestamp, want := range map[string]string{
		"1767225600000":        badSignature, // within the window; the next check fails
		"1767225570000":        badSignature,
		"1767225630000":        badSignature,
		"1767225569999":        expiredTimestamp,
		"1767225630001":        expiredTimestamp,
		"1767225600":           expiredTimestamp,
		"2026-01-01T00:00:00Z": badTimestamp,
		"":                     badTimestamp,
	} {
		c := call(k, venuetest.Vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "AAAA"})
		signing().RequireRefused(t, c, want, timestamp)
	}
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }

func TestMessages(t *testing.T) {
	require.Panics(t, func() { message("1") })
}
