package kucoin

import (
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// passphraseHash is the root's passphrase as the source of the vectors sends
// it.
const passphraseHash = "0XM2XxIy9j0nw5ZFA39EerDy+w3wJfYdFBErSuBKOxM="

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_700_000_000_000),
		"KC-API-KEY", k.APIKey, "KC-API-KEY-VERSION", "3", "KC-API-PASSPHRASE", passphraseHash,
		"KC-API-TIMESTAMP", v.Timestamp, "KC-API-SIGN", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			text, _ = signedText(c)
			return text, c.Header.Get("KC-API-SIGN")
		},
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
