package simulator

import (
	"strings"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// bitfinexCall is a vector as a call to its venue. The number of the request is
// in the text that was signed.
func bitfinexCall(k *venue.Key, v vector) *venue.Call {
	nonce := strings.TrimSuffix(strings.TrimPrefix(v.StringToSign, "/api"+v.Path), v.Body)
	return v.callTo(k, time.UnixMilli(1_795_326_921_851),
		"bfx-apikey", k.APIKey, "bfx-nonce", nonce, "bfx-signature", v.Signature, "Content-Type", "application/json")
}

func bitfinexSigning() signing {
	return signing{venue: "bitfinex", rules: newBitfinex, call: bitfinexCall, signed: (&bitfinex{}).signedText}
}

func TestBitfinexVectors(t *testing.T) { bitfinexSigning().testVectors(t, nil) }

// FuzzBitfinexAuthenticate checks that only the one right signature opens the
// door.
func FuzzBitfinexAuthenticate(f *testing.F) {
	s, file := bitfinexSigning(), readVectors(f, "bitfinex")
	for _, v := range file.Vectors {
		f.Add(v.Path, v.Body, v.StringToSign, v.Signature)
	}
	f.Add("/", "{}", "/api/1{}", "")
	k, right := file.root(f, vector{}), file.right()
	f.Fuzz(func(t *testing.T, path, body, text, signature string) {
		s.requireSound(t, s.call(k, vector{Method: "POST", Path: path, Body: body, StringToSign: text, Signature: signature}), right)
	})
}
