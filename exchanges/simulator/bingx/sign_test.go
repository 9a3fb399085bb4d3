package bingx

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue. The signature goes last, in the
// query or in the body.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	if v.Body == "" {
		v.Query += "&signature=" + v.Signature
	} else {
		v.Body = strings.TrimSuffix(v.Body, "}") + `,"signature":"` + v.Signature + `"}`
	}
	return v.CallTo(k, time.UnixMilli(1_767_225_600_000), "X-BX-APIKEY", k.APIKey, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			text, signature, _ = (&exchange{}).signedText(c)
			return text, signature
		},
		Field: "code", BadSignature: badSignature,
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){"upper case": venuetest.InUpperCase})
}

// BingX's own example in Python puts the timestamp last. Its signature is
// right, but the documentation does not say whether BingX accepts that order,
// so it is refused here.
func TestOrderOfTheDemonstration(t *testing.T) {
	file := venuetest.ReadVectors(t, "bingx")
	demonstrated := venuetest.Vector{
		Method: http.MethodGet, Path: "/openApi/account/v1/apiKey/query", Query: "uid=16477999&timestamp=1767225600000",
		Signature: "7041102e4b42d730046cf1cd4f1837ba50d84a49010c213ae5a10170487c79a9",
	}
	require.True(t, (&exchange{}).verifies(file.Secret, demonstrated.Query, demonstrated.Signature))
	k := file.Root(t, demonstrated)
	signing().RequireRefused(t, call(k, demonstrated), badParameter, "not in order")
}

func FuzzAuthenticate(f *testing.F) { signing().Fuzz(f) }
