package kucoin

import (
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// kucoinPassphraseHash is the root's passphrase as the vectors' source sends
// it.
const kucoinPassphraseHash = "0XM2XxIy9j0nw5ZFA39EerDy+w3wJfYdFBErSuBKOxM="

// kucoinCall is a vector as a call to its venue.
func kucoinCall(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_700_000_000_000),
		"KC-API-KEY", k.APIKey, "KC-API-KEY-VERSION", "3", "KC-API-PASSPHRASE", kucoinPassphraseHash,
		"KC-API-TIMESTAMP", v.Timestamp, "KC-API-SIGN", v.Signature, "Content-Type", "application/json")
}

func kucoinSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: kucoinCall,
		Signed: func(c *venue.Call) (text, signature string) {
			text, _ = kucoinSignedText(c)
			return text, c.Header.Get("KC-API-SIGN")
		},
		Field: "code", BadSignature: kucoinBadSignature,
	}
}

func TestKuCoinVectors(t *testing.T) {
	kucoinSigning().TestVectors(t, map[string]func(*venuetest.Vector){"lower case": venuetest.InLowerCase})
}

func FuzzKuCoinAuthenticate(f *testing.F) { kucoinSigning().Fuzz(f) }
