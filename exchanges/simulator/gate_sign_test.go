package simulator

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gateVectors are signatures computed outside of this project.
type gateVectors struct {
	APIKey    string `json:"api_key"`
	Secret    string `json:"secret"`
	Timestamp string `json:"timestamp"`
	Vectors   []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readGateVectors(t testing.TB) gateVectors {
	data, err := os.ReadFile("../../testdata/gate/vectors.json")
	require.NoError(t, err)
	var vectors gateVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// gateCall is a signed call to the one key that its books hold.
func gateCall(file gateVectors, method, target, body, timestamp, signature string) *call {
	header := http.Header{}
	for name, value := range map[string]string{
		"KEY": file.APIKey, "Timestamp": timestamp, "SIGN": signature, "Content-Type": "application/json",
	} {
		header.Set(name, value)
	}
	root := &key{apiKey: file.APIKey, secret: file.Secret, account: &account{id: "1"}}
	return &call{
		Request: &http.Request{Method: method, RequestURI: target, Header: header},
		body:    []byte(body),
		now:     time.Unix(1_700_000_000, 0),
		books:   &books{keys: []*key{root}},
	}
}

func TestGateVectors(t *testing.T) {
	file := readGateVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			require.True(t, gateVerifies(file.Secret, vector.StringToSign, vector.Signature))
			target := strings.TrimSuffix(vector.Path+"?"+vector.Query, "?")
			c := gateCall(file, vector.Method, target, vector.Body, file.Timestamp, vector.Signature)
			signed, err := gateSignedText(c)
			require.NoError(t, err)
			require.Equal(t, vector.StringToSign, signed)
			caller, refusal := (&gate{}).authenticate(c)
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)

			c.Header.Set("SIGN", strings.ToUpper(vector.Signature))
			_, refusal = (&gate{}).authenticate(c)
			require.NotNil(t, refusal, "upper case is another signature")
		})
	}
}

// A caller's clock may be off by 60 seconds either way.
func TestGateTimestampWindow(t *testing.T) {
	file := readGateVectors(t)
	for timestamp, want := range map[string]string{
		"1699999940": "INVALID_SIGNATURE", "1700000060": "INVALID_SIGNATURE", // in time; the next check fails
		"1699999939": "REQUEST_EXPIRED", "1700000061": "REQUEST_EXPIRED", "": "MISSING_REQUIRED_HEADER",
	} {
		_, refusal := (&gate{}).authenticate(gateCall(file, http.MethodGet, "/", "", timestamp, "x"))
		require.NotNil(t, refusal)
		require.Contains(t, string(refusal.body), want, timestamp)
	}
}

// FuzzGateAuthenticate checks that only the one right signature opens the door.
func FuzzGateAuthenticate(f *testing.F) {
	file := readGateVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path+"?"+vector.Query, vector.Body, file.Timestamp, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("POST", "/", "{}", "now", "")
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		c := gateCall(file, method, target, body, timestamp, signature)
		caller, refusal := (&gate{}).authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		signed, err := gateSignedText(c)
		require.NoError(t, err)
		require.Equal(t, right[signed], signature)
	})
}
