package gate

import (
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.Unix(1_700_000_000, 0),
		"KEY", k.APIKey, "Timestamp", v.Timestamp, "SIGN", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			text, _ = signedText(c)
			return text, c.Header.Get("SIGN")
		},
		Field: "label", BadSignature: "INVALID_SIGNATURE",
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

// A caller's clock may be off by 60 seconds, either way, and may tell fractions.
func TestTimestampWindow(t *testing.T) {
	k := venuetest.ReadVectors(t, "gate").Root(t, venuetest.Vector{})
	for timestamp, want := range map[string]string{
		"1699999940": "INVALID_SIGNATURE", "1700000060": "INVALID_SIGNATURE", // within the window; the next check fails
		"1700000000.123": "INVALID_SIGNATURE", "1700000000.": "REQUEST_EXPIRED", "1700000000.-1": "REQUEST_EXPIRED", "1.7e9": "REQUEST_EXPIRED",
		"1699999939": "REQUEST_EXPIRED", "1700000061": "REQUEST_EXPIRED", "": "MISSING_REQUIRED_HEADER",
	} {
		c := call(k, venuetest.Vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "x"})
		signing().RequireRefused(t, c, want, timestamp)
	}
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
