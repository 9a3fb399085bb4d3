package simulator

import (
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// coinexCall is a vector as a call to its venue.
func coinexCall(k *venue.Key, v vector) *venue.Call {
	return v.callTo(k, time.UnixMilli(1_790_000_000_000),
		"X-COINEX-KEY", k.APIKey, "X-COINEX-SIGN", v.Signature, "X-COINEX-TIMESTAMP", v.Timestamp, "Content-Type", "application/json")
}

func coinexSigning() signing {
	return signing{
		venue: "coinex", rules: newCoinEx, call: coinexCall,
		signed: func(c *venue.Call) (text, signature string) { return coinexSigned(c), c.Header.Get("X-COINEX-SIGN") },
		field:  "code", badSignature: coinexBadSignature,
	}
}

func TestCoinExVectors(t *testing.T) {
	coinexSigning().testVectors(t, map[string]func(*vector){
		"upper case": inUpperCase,
		// SHA-256 over the text and the secret, as some clients still sign the
		// first vector.
		"older form": func(v *vector) { v.Signature = "344ade440304ef44f96a2b4d9b3ee22c112e635be78ab3bfe15785230bcaa92d" },
	})
}

func FuzzCoinExAuthenticate(f *testing.F) { coinexSigning().fuzz(f) }
