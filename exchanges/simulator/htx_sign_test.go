package simulator

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// htxVectors are signatures computed outside of this project.
type htxVectors struct {
	APIKey    string    `json:"api_key"`
	Secret    string    `json:"secret"`
	Timestamp time.Time `json:"timestamp"`
	Vectors   []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		PrivateKey   string `json:"private_key"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readHTXVectors(t testing.TB) htxVectors {
	data, err := os.ReadFile("../../testdata/htx/vectors.json")
	require.NoError(t, err)
	var vectors htxVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// htxCall is a signed call to the one key that its books hold.
func htxCall(file htxVectors, private crypto.Signer, method, path, query string) *call {
	k := &key{apiKey: file.APIKey, secret: file.Secret, account: &account{id: "1"}}
	if private != nil {
		k.signer = func() crypto.Signer { return private }
	}
	return &call{
		Request: &http.Request{Method: method, Host: "API.huobi.pro", URL: &url.URL{Path: path, RawQuery: query}},
		now:     file.Timestamp,
		books:   &books{keys: []*key{k}},
	}
}

func TestHTXVectors(t *testing.T) {
	file := readHTXVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			var private crypto.Signer
			if block, _ := pem.Decode([]byte(vector.PrivateKey)); block != nil {
				parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
				require.NoError(t, err)
				private = parsed.(crypto.Signer)
			}
			lines := strings.Split(vector.StringToSign, "\n")
			// Parameters may come in any order.
			query := "Signature=" + url.QueryEscape(vector.Signature) + "&" + lines[3]
			c := htxCall(file, private, vector.Method, vector.Path, query)
			require.Equal(t, vector.StringToSign, htxSigned(c, formParams(query)))
			caller, refusal := (&htx{}).authenticate(c)
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)

			c.Host = "api.htx.com"
			_, refusal = (&htx{}).authenticate(c)
			require.Contains(t, string(refusal.body), "Verification failure")
		})
	}
}

func TestHTXEscape(t *testing.T) {
	require.Equal(t, "a%20b%2Bc-._~%C3%A9%3A", htxEscape("a b+c-._~é:"))
}

// FuzzHTXAuthenticate checks that only the one right signature opens the door.
func FuzzHTXAuthenticate(f *testing.F) {
	file := readHTXVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		query := strings.Split(vector.StringToSign, "\n")[3]
		f.Add(vector.Method, vector.Path, query+"&Signature="+url.QueryEscape(vector.Signature))
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("GET", "/", "AccessKeyId=x")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		c := htxCall(file, nil, method, path, query)
		caller, refusal := (&htx{}).authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		p := formParams(query)
		require.Equal(t, right[htxSigned(c, p)], p.text("Signature"))
	})
}
