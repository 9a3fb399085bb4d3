package simulator

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// htxSent is a vector as a call to its venue, with its query as it is.
func htxSent(k *venue.Key, v vector) *venue.Call {
	c := v.callTo(k, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	c.Host = "API.huobi.pro"
	return c
}

// htxCall is a vector as a call to its venue. Parameters may come in any order.
func htxCall(k *venue.Key, v vector) *venue.Call {
	v.Query = "Signature=" + url.QueryEscape(v.Signature) + "&" + strings.Split(v.StringToSign, "\n")[3]
	return htxSent(k, v)
}

func htxSigning() signing {
	return signing{
		venue: "htx", rules: newHTX, call: htxCall,
		signed: func(c *venue.Call) (text, signature string) {
			p := venue.FormParams(c.URL.RawQuery)
			return htxSigned(c, p), p.Text("Signature")
		},
		field: "err-msg", badSignature: "Signature not valid: Verification failure [校验失败]",
	}
}

func TestHTXVectors(t *testing.T) {
	htxSigning().testVectors(t, map[string]func(*vector){
		"another method": func(v *vector) { v.Method = http.MethodPut },
		"another path":   func(v *vector) { v.Path += "x" },
	})
}

func TestHTXSignsTheHost(t *testing.T) {
	file, s := readVectors(t, "htx"), htxSigning()
	for _, v := range file.Vectors {
		c := htxCall(file.root(t, v), v)
		c.Host = "api.htx.com"
		s.requireRefused(t, c, s.badSignature, v.Name)
	}
}

func TestHTXEscape(t *testing.T) {
	require.Equal(t, "a%20b%2Bc-._~%C3%A9%3A", htxEscape("a b+c-._~é:"))
}

// FuzzHTXAuthenticate checks that only the one right signature opens the door.
func FuzzHTXAuthenticate(f *testing.F) {
	file := readVectors(f, "htx")
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Path, htxCall(&venue.Key{}, v).URL.RawQuery)
	}
	f.Add("GET", "/", "AccessKeyId=x")
	k, right := file.root(f, vector{}), file.right()
	f.Fuzz(func(t *testing.T, method, path, query string) {
		htxSigning().requireSound(t, htxSent(k, vector{Method: method, Path: path, Query: query}), right)
	})
}
