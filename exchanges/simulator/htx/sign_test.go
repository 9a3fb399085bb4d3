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

// htxSent is a vector as a call to its venue, with its query as it is.
func htxSent(k *venue.Key, v venuetest.Vector) *venue.Call {
	c := v.CallTo(k, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	c.Host = "API.huobi.pro"
	return c
}

// htxCall is a vector as a call to its venue. Parameters may come in any order.
func htxCall(k *venue.Key, v venuetest.Vector) *venue.Call {
	v.Query = "Signature=" + url.QueryEscape(v.Signature) + "&" + strings.Split(v.StringToSign, "\n")[3]
	return htxSent(k, v)
}

func htxSigning() venuetest.Signing {
	return venuetest.Signing{
		Venue: Venue(), Call: htxCall,
		Signed: func(c *venue.Call) (text, signature string) {
			p := venue.FormParams(c.URL.RawQuery)
			return htxSigned(c, p), p.Text("Signature")
		},
		Field: "err-msg", BadSignature: "Signature not valid: Verification failure [校验失败]",
	}
}

func TestHTXVectors(t *testing.T) {
	htxSigning().TestVectors(t, map[string]func(*venuetest.Vector){
		"another method": func(v *venuetest.Vector) { v.Method = http.MethodPut },
		"another path":   func(v *venuetest.Vector) { v.Path += "x" },
	})
}

func TestHTXSignsTheHost(t *testing.T) {
	file, s := venuetest.ReadVectors(t, "htx"), htxSigning()
	for _, v := range file.Vectors {
		c := htxCall(file.Root(t, v), v)
		c.Host = "api.htx.com"
		s.RequireRefused(t, c, s.BadSignature, v.Name)
	}
}

func TestHTXEscape(t *testing.T) {
	require.Equal(t, "a%20b%2Bc-._~%C3%A9%3A", htxEscape("a b+c-._~é:"))
}

// FuzzHTXAuthenticate checks that only the one right signature opens the door.
func FuzzHTXAuthenticate(f *testing.F) {
	file := venuetest.ReadVectors(f, "htx")
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Path, htxCall(&venue.Key{}, v).URL.RawQuery)
	}
	f.Add("GET", "/", "AccessKeyId=x")
	k, right := file.Root(f, venuetest.Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, method, path, query string) {
		htxSigning().RequireSound(t, htxSent(k, venuetest.Vector{Method: method, Path: path, Query: query}), right)
	})
}
