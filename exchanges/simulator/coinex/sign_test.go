package coinex

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	return v.CallTo(k, time.UnixMilli(1_790_000_000_000),
		"X-COINEX-KEY", k.APIKey, "X-COINEX-SIGN", v.Signature, "X-COINEX-TIMESTAMP", v.Timestamp, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) { return signed(c), c.Header.Get("X-COINEX-SIGN") },
		Field:  "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

// Clients in daily use still sign in the older form, which is not documented any more.
func TestOlderForm(t *testing.T) {
	file := venuetest.ReadVectors(t, "coinex")
	first, other := file.Vectors[0], file.Vectors[1]
	k := file.Root(t, first)
	inOlderForm(&first)
	caller, refusal := Venue().New().Authenticate(call(k, first))
	require.Nil(t, refusal)
	require.Same(t, k, caller)
	inOlderForm(&other)
	signing().RequireRefused(t, call(k, other), badSignature, "the signature of another request")
}

// inOlderForm signs the first vector as some clients still do: SHA-256 over the text
// and the secret.
func inOlderForm(v *venuetest.Vector) {
	v.Signature = "344ade440304ef44f96a2b4d9b3ee22c112e635be78ab3bfe15785230bcaa92d"
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
