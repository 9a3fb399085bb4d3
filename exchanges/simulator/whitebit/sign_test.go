package whitebit

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// call is a vector as a call to its venue. The payload is the text that was
// signed.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	v.Method = http.MethodPost
	return v.CallTo(k, time.UnixMilli(1_790_000_000_000),
		"X-TXC-APIKEY", k.APIKey, "X-TXC-PAYLOAD", v.StringToSign, "X-TXC-SIGNATURE", v.Signature)
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("X-TXC-PAYLOAD"), c.Header.Get("X-TXC-SIGNATURE")
		},
		Field: "message", BadSignature: "Unauthorized request.",
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){
		"upper case":      venuetest.InUpperCase,
		"another payload": func(v *venuetest.Vector) { v.StringToSign += "=" },
	})
}

// The payload that was signed must be the body, and the body's path the request's.
func TestPayload(t *testing.T) {
	file := venuetest.ReadVectors(t, "whitebit")
	for _, v := range file.Vectors {
		otherBody, otherPath := v, v
		otherBody.Body += " "
		otherPath.Path = "/api/v4/order/new"
		for _, changed := range []venuetest.Vector{otherBody, otherPath} {
			signing().RequireRefused(t, call(file.Root(t, v), changed), "Invalid payload", v.Name)
		}
	}
}

// Without a window a nonce must grow. With one it must be in time and new.
func TestNonces(t *testing.T) {
	const late, used = "more than 5 seconds", "Too many requests"
	e, c := newRules().(*exchange), call(venuetest.ReadVectors(t, "whitebit").Root(t, venuetest.Vector{}), venuetest.Vector{})
	for _, step := range []struct {
		nonce   string
		window  bool
		refusal string
	}{
		{`"1789999995000"`, true, ""}, {`1790000005000`, true, ""}, {`1790000000000`, true, ""}, {`"1790000000000"`, true, used},
		{`1789999994999`, true, late}, {`1790000005001`, true, late}, {`1790000000`, true, late}, {`"now"`, true, "Nonce not provided"},
		{`1790000005000`, false, used}, {`1790000005001`, false, ""}, {`1790000000001`, true, ""}, {`9990000000000`, false, ""},
	} {
		refusal := e.useNonce(c, c.Books.Keys[0], json.RawMessage(step.nonce), step.window)
		if step.refusal == "" {
			require.Nil(t, refusal, step.nonce)
			continue
		}
		require.NotNil(t, refusal, step.nonce)
		require.Contains(t, string(refusal.Body), step.refusal, step.nonce)
	}
	c.Now = c.Now.Add(time.Minute)
	require.Nil(t, e.useNonce(c, c.Books.Keys[0], json.RawMessage(`1790000060000`), true))
	require.Len(t, e.nonces[c.Books.Keys[0].APIKey].recent, 2, "nonces behind the window are forgotten, those ahead of it are not")
	e.Reset()
	require.Nil(t, e.useNonce(c, c.Books.Keys[0], json.RawMessage(`1790000060000`), true))
}

// FuzzAuthenticate checks that only the correct signature is accepted.
func FuzzAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "whitebit")
	for _, v := range file.Vectors {
		f.Add(v.Path, v.Body, v.Signature)
	}
	f.Add("/", `{"request":"/","nonce":null,"nonceWindow":1}`, "")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, path, body, signature string) {
		payload := base64.StdEncoding.EncodeToString([]byte(body))
		v := venuetest.Vector{Path: path, Body: body, StringToSign: payload, Signature: signature}
		signing().RequireSound(t, call(k, v), right)
	})
}
