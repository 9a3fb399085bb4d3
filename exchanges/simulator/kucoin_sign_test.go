package simulator

import (
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// kucoinPassphraseHash is the root's passphrase as the vectors' source sends
// it.
const kucoinPassphraseHash = "0XM2XxIy9j0nw5ZFA39EerDy+w3wJfYdFBErSuBKOxM="

// kucoinCall is a vector as a call to its venue.
func kucoinCall(k *venue.Key, v vector) *venue.Call {
	return v.callTo(k, time.UnixMilli(1_700_000_000_000),
		"KC-API-KEY", k.APIKey, "KC-API-KEY-VERSION", "3", "KC-API-PASSPHRASE", kucoinPassphraseHash,
		"KC-API-TIMESTAMP", v.Timestamp, "KC-API-SIGN", v.Signature, "Content-Type", "application/json")
}

func kucoinSigning() signing {
	return signing{
		venue: "kucoin", rules: newKuCoin, call: kucoinCall,
		signed: func(c *venue.Call) (text, signature string) {
			text, _ = kucoinSignedText(c)
			return text, c.Header.Get("KC-API-SIGN")
		},
		field: "code", badSignature: kucoinBadSignature,
	}
}

func TestKuCoinVectors(t *testing.T) {
	kucoinSigning().testVectors(t, map[string]func(*vector){"lower case": inLowerCase})
}

func FuzzKuCoinAuthenticate(f *testing.F) { kucoinSigning().fuzz(f) }
