package bitget

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// bitgetCall is a vector as a call to its venue.
func bitgetCall(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_767_225_600_000),
		"ACCESS-KEY", k.APIKey, "ACCESS-PASSPHRASE", k.Passphrase, "ACCESS-TIMESTAMP", v.Timestamp,
		"ACCESS-SIGN", v.Signature, "Content-Type", "application/json")
}

func bitgetSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: bitgetCall,
		Signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("ACCESS-TIMESTAMP") + c.Method + c.RequestURI + string(c.Body), c.Header.Get("ACCESS-SIGN")
		},
		Field: "code", BadSignature: bitgetBadSignature,
	}
}

func TestBitgetVectors(t *testing.T) {
	bitgetSigning().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

// A caller's clock may be off by 30 seconds either way.
func TestBitgetTimestampWindow(t *testing.T) {
	k := venuetest.ReadVectors(t, "bitget").Root(t, venuetest.Vector{})
	for timestamp, want := range map[string]string{
		"1767225600000":        bitgetBadSignature, // in time; the next check fails
		"1767225570000":        bitgetBadSignature,
		"1767225630000":        bitgetBadSignature,
		"1767225569999":        bitgetExpiredTimestamp,
		"1767225630001":        bitgetExpiredTimestamp,
		"1767225600":           bitgetExpiredTimestamp,
		"2026-01-01T00:00:00Z": bitgetBadTimestamp,
		"":                     bitgetBadTimestamp,
	} {
		c := bitgetCall(k, venuetest.Vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "AAAA"})
		bitgetSigning().RequireRefused(t, c, want, timestamp)
	}
}

func FuzzBitgetAuthenticate(f *testing.F) { bitgetSigning().Fuzz(f) }

func TestBitgetMessages(t *testing.T) {
	require.Panics(t, func() { bitgetMessage("1") })
}
