package htx

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// sent is a vector as a call to its venue, with its query unchanged.
func sent(k *venue.Key, v venuetest.Vector) *venue.Call {
	c := v.CallTo(k, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	c.Host = "API.huobi.pro"
	return c
}

// call is a vector as a call to its venue. Parameters may come in any order.
func call(k *venue.Key, v venuetest.Vector) *venue.Call {
	v.Query = "Signature=" + url.QueryEscape(v.Signature) + "&" + strings.Split(v.StringToSign, "\n")[3]
	return sent(k, v)
}

func signing() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: call,
		Signed: func(c *venue.Call) (text, signature string) {
			p := venue.FormParams(c.URL.RawQuery)
			return signed(c, p), p.Text("Signature")
		},
		Field: "err-msg", BadSignature: "Signature not valid: Verification failure [校验失败]",
	}
}

func TestVectors(t *testing.T) {
	signing().TestVectors(t, map[string]func(*venuetest.Vector){
		"another method": func(v *venuetest.Vector) { v.Method = http.MethodPut },
		"another path":   func(v *venuetest.Vector) { v.Path += "x" },
	})
}

func TestSignsTheHost(t *testing.T) {
	file, s := venuetest.ReadVectors(t, "htx"), signing()
	for _, v := range file.Vectors {
		c := call(file.Root(t, v), v)
		c.Host = "api.htx.com"
		s.RequireRefused(t, c, s.BadSignature, v.Name)
	}
}

func TestEscape(t *testing.T) {
	require.Equal(t, "a%20b%2Bc-._~%C3%A9%3A", escape("a b+c-._~é:"))
}

// FuzzAuthenticate checks that only the correct signature is accepted.
func FuzzAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "htx")
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Path, call(&venue.Key{}, v).URL.RawQuery)
	}
	f.Add("GET", "/", "AccessKeyId=x")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, method, path, query string) {
		signing().RequireSound(t, sent(k, venuetest.Vector{Method: method, Path: path, Query: query}), right)
	})
}
