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

// kucoinVectors are signatures computed outside of this project.
type kucoinVectors struct {
	APIKey     string `json:"api_key"`
	Secret     string `json:"secret"`
	Passphrase string `json:"passphrase"`
	Timestamp  string `json:"timestamp"`
	Vectors    []struct {
		Name         string `json:"name"`
		Method       string `json:"method"`
		Path         string `json:"path"`
		Query        string `json:"query"`
		Body         string `json:"body"`
		StringToSign string `json:"string_to_sign"`
		Signature    string `json:"signature"`
	} `json:"vectors"`
}

func readKuCoinVectors(t testing.TB) kucoinVectors {
	data, err := os.ReadFile("../../testdata/kucoin/vectors.json")
	require.NoError(t, err)
	var vectors kucoinVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// kucoinPassphraseHash is the root's passphrase as the vectors' source sends
// it.
const kucoinPassphraseHash = "0XM2XxIy9j0nw5ZFA39EerDy+w3wJfYdFBErSuBKOxM="

// kucoinCall is a signed call to the one key that its books hold.
func kucoinCall(file kucoinVectors, method, target, body, timestamp, signature string) *call {
	header := http.Header{}
	for name, value := range map[string]string{
		"KC-API-KEY": file.APIKey, "KC-API-PASSPHRASE": kucoinPassphraseHash, "KC-API-TIMESTAMP": timestamp,
		"KC-API-SIGN": signature, "KC-API-KEY-VERSION": "3", "Content-Type": "application/json",
	} {
		header.Set(name, value)
	}
	root := &key{apiKey: file.APIKey, secret: file.Secret, passphrase: file.Passphrase, account: &account{id: "master"}}
	return &call{
		Request: &http.Request{Method: method, RequestURI: target, Header: header},
		body:    []byte(body),
		now:     time.UnixMilli(1_700_000_000_000),
		books:   &books{keys: []*key{root}},
	}
}

func TestKuCoinVectors(t *testing.T) {
	file := readKuCoinVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			require.True(t, kucoinVerifies(file.Secret, vector.StringToSign, vector.Signature))
			target := strings.TrimSuffix(vector.Path+"?"+vector.Query, "?")
			c := kucoinCall(file, vector.Method, target, vector.Body, file.Timestamp, vector.Signature)
			signed, err := kucoinSignedText(c)
			require.NoError(t, err)
			require.Equal(t, vector.StringToSign, signed)
			caller, refusal := (&kucoin{}).authenticate(c)
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)
		})
	}
}

// FuzzKuCoinAuthenticate checks that only the one right signature opens the
// door.
func FuzzKuCoinAuthenticate(f *testing.F) {
	file := readKuCoinVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, vector.Path+"?"+vector.Query, vector.Body, file.Timestamp, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("POST", "/", "{}", "now", "")
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		c := kucoinCall(file, method, target, body, timestamp, signature)
		caller, refusal := (&kucoin{}).authenticate(c)
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		signed, err := kucoinSignedText(c)
		require.NoError(t, err)
		require.Equal(t, right[signed], signature)
	})
}
