package bingx

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// TestSign compares what goes on the wire with the vectors: the signature comes
// last, in the query or in the body.
func TestSign(t *testing.T) {
	file, at := exchangetest.ReadVectors(t, "bingx")
	s, err := newSigner(exchanges.Credential{APIKey: file.APIKey, APISecret: file.Secret})
	require.NoError(t, err)
	for _, v := range file.Vectors {
		request := &rest.Request{Method: v.Method, Path: v.Path, Query: v.Query, Body: []byte(v.Body), Header: http.Header{}}
		require.NoError(t, s.sign(request, at))
		require.Equal(t, v.Signature, request.Signature, v.Name)
		require.Equal(t, file.APIKey, request.Header.Get("X-BX-APIKEY"), v.Name)
		if v.Body == "" {
			require.Equal(t, v.Query+"&signature="+v.Signature, request.Query, v.Name)
			require.Empty(t, request.Body, v.Name)
			continue
		}
		require.Empty(t, request.Query, v.Name)
		require.Equal(t, strings.TrimSuffix(v.Body, "}")+`,"signature":"`+v.Signature+`"}`, string(request.Body), v.Name)
		require.Equal(t, "application/json", request.Header.Get("Content-Type"), v.Name)
	}
}

// What is signed, and what is sent of it.
func TestSignedText(t *testing.T) {
	for name, test := range map[string]struct{ query, body, signed, sent string }{
		"order":             {"uid=1&apiKey=b", "", "apiKey=b&timestamp=7&uid=1", "apiKey=b&timestamp=7&uid=1&signature="},
		"encoded values":    {"b=%5B1%2C2%5D&a=x+y", "", "a=x y&b=[1,2]&timestamp=7", "a=x+y&b=%5B1%2C2%5D&timestamp=7&signature="},
		"empty value":       {"a=", "", "a=&timestamp=7", "a=&timestamp=7&signature="},
		"what it adds":      {"timestamp=1&signature=x", "", "timestamp=7", "timestamp=7&signature="},
		"body":              {"", ` { "b" : [ 1, 2 ], "a" : "x\"y" } `, `a=x"y&b=[1,2]&timestamp=7`, `{"a":"x\"y","b":[1,2],"timestamp":7,"signature":"`},
		"what a body has":   {"", `{"timestamp":1,"signature":"x"}`, "timestamp=7", `{"timestamp":7,"signature":"`},
		"numbers and words": {"", `{"c":1.50,"b":true,"a":12345678901234567890}`, "a=12345678901234567890&b=true&c=1.50&timestamp=7", `{"a":12345678901234567890,"b":true,"c":1.50,"timestamp":7,"signature":"`},
	} {
		t.Run(name, func(t *testing.T) {
			signed := ""
			s := signer{"key", func(text string) (string, error) { signed = text; return "sig", nil }}
			request := &rest.Request{Query: test.query, Body: []byte(test.body), Header: http.Header{}}
			require.NoError(t, s.sign(request, time.UnixMilli(7)))
			require.Equal(t, test.signed, signed)
			require.True(t, strings.HasPrefix(request.Query+string(request.Body), test.sent+"sig"), "%s%s", request.Query, request.Body)
		})
	}
}

func TestSignRefuses(t *testing.T) {
	s := signer{"key", rest.HexHMAC("secret")}
	for name, request := range map[string]*rest.Request{
		"both":                 {Query: "a=b", Body: []byte(`{}`)},
		"a form":               {Body: []byte("a=b")},
		"an array":             {Body: []byte("[]")},
		"null":                 {Body: []byte("null")},
		"a query that is none": {Query: "a=%zz"},
		"a semicolon between":  {Query: "a=b;c=d"},
	} {
		request.Header = http.Header{}
		require.Error(t, s.sign(request, time.UnixMilli(1)), name)
	}
}

// FuzzSign checks that the signature covers every parameter and is the last.
func FuzzSign(f *testing.F) {
	f.Add("uid=1&apiKey=b", "")
	f.Add("", `{"subUid":1,"ipAddresses":["203.0.113.10"]}`)
	f.Add("a=%5B%5D&a=2", "")
	f.Fuzz(func(t *testing.T, query, body string) {
		signed := ""
		s := signer{"key", func(text string) (string, error) { signed = text; return "sig", nil }}
		request := &rest.Request{Query: query, Body: []byte(body), Header: http.Header{}}
		if s.sign(request, time.UnixMilli(1)) != nil {
			return
		}
		if body != "" {
			var given, sent map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &given))
			require.NoError(t, json.Unmarshal(request.Body, &sent))
			for name := range given {
				require.Contains(t, signed, name+"=")
			}
			require.Equal(t, "sig", sent["signature"])
			return
		}
		before, found := strings.CutSuffix(request.Query, "&signature=sig")
		require.True(t, found)
		var plain []string
		for pair := range strings.SplitSeq(before, "&") {
			name, value, _ := strings.Cut(pair, "=")
			decoded, err := url.ParseQuery(name + "=" + value)
			require.NoError(t, err)
			for name, values := range decoded {
				plain = append(plain, name+"="+values[0])
			}
		}
		require.Equal(t, signed, strings.Join(plain, "&"))
	})
}
