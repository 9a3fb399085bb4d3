package bitfinex

import (
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue. The nonce is in the text that was
// signed.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	nonce := strings.TrimSuffix(strings.TrimPrefix(v.StringToSign, "/api"+v.Path), v.Body)
	return v.CallTo(k, time.UnixMilli(1_795_326_921_851),
		"bfx-apikey", k.APIKey, "bfx-nonce", nonce, "bfx-signature", v.Signature, "Content-Type", "application/json")
}

func signing() venuetest.Signing {
	return venuetest.Signing{Venue: Venue(), Call: call, Signed: (&exchange{}).signedText}
}

func TestVectors(t *testing.T) { signing().TestVectors(t, nil) }

// FuzzAuthenticate checks that only the correct signature is accepted.
func FuzzAuthenticate(f *testing.F) {
	s, file := signing(), venuetest.ReadVectors(f, "bitfinex")
	for _, v := range file.Vectors {
		f.Add(v.Path, v.Body, v.StringToSign, v.Signature)
	}
	f.Add("/", "{}", "/api/1{}", "")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, path, body, text, signature string) {
		s.RequireSound(t, s.Call(k, venuetest.Vector{Method: "POST", Path: path, Body: body, StringToSign: text, Signature: signature}), right)
	})
}
