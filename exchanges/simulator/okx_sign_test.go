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

// okxVectors are signatures computed outside of this project.
type okxVectors struct {
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

func readOKXVectors(t testing.TB) okxVectors {
	data, err := os.ReadFile("../../testdata/okx/vectors.json")
	require.NoError(t, err)
	var vectors okxVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// okxCall is a signed call to the one key that its books hold.
func okxCall(k *key, method, target, body, timestamp, signature string) *call {
	header := http.Header{}
	for name, value := range map[string]string{
		"OK-ACCESS-KEY": k.apiKey, "OK-ACCESS-PASSPHRASE": k.passphrase, "OK-ACCESS-TIMESTAMP": timestamp,
		"OK-ACCESS-SIGN": signature, "Content-Type": "application/json",
	} {
		header.Set(name, value)
	}
	return &call{
		Request: &http.Request{Method: method, RequestURI: target, Header: header},
		body:    []byte(body),
		now:     time.UnixMilli(1_753_364_096_123),
		books:   &books{keys: []*key{k}},
	}
}

func okxRefusalCode(t testing.TB, refusal *answer) string {
	var envelope struct {
		Code string `json:"code"`
	}
	require.NoError(t, json.Unmarshal(refusal.body, &envelope))
	return envelope.Code
}

func okxTestKey(file okxVectors) *key {
	return &key{apiKey: file.APIKey, secret: file.Secret, passphrase: file.Passphrase, account: &account{id: "master"}}
}

func okxTarget(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

func TestOKXVectors(t *testing.T) {
	file := readOKXVectors(t)
	k := okxTestKey(file)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			require.True(t, okxVerifies(file.Secret, vector.StringToSign, vector.Signature))
			c := okxCall(k, vector.Method, okxTarget(vector.Path, vector.Query), vector.Body, file.Timestamp, vector.Signature)
			o := &okx{}
			caller, refusal := o.authenticate(c)
			require.Nil(t, refusal)
			require.Same(t, k, caller)

			c.Header.Set("OK-ACCESS-SIGN", strings.ToLower(vector.Signature))
			_, refusal = o.authenticate(c)
			require.NotNil(t, refusal, "lower case is another signature")
			require.Equal(t, okxBadSignature, okxRefusalCode(t, refusal))
		})
	}
}

// A caller's clock may be off by 30 seconds either way.
func TestOKXTimestampWindow(t *testing.T) {
	file := readOKXVectors(t)
	for timestamp, want := range map[string]string{
		"2025-07-24T13:34:56.123Z":      okxBadSignature, // in time; the next check fails
		"2025-07-24T13:34:56Z":          okxBadSignature, // in wide use, and taken
		"2025-07-24T13:34:26.123Z":      okxBadSignature,
		"2025-07-24T13:35:26.123Z":      okxBadSignature,
		"2025-07-24T13:34:26.122Z":      okxExpiredTimestamp,
		"2025-07-24T13:35:26.124Z":      okxExpiredTimestamp,
		"2025-07-24T15:34:56.123+02:00": okxBadTimestamp,
		"1753364096123":                 okxBadTimestamp,
		"":                              okxNoTimestamp,
	} {
		_, refusal := (&okx{}).authenticate(okxCall(okxTestKey(file), http.MethodGet, "/", "", timestamp, "x"))
		require.NotNil(t, refusal)
		require.Equal(t, want, okxRefusalCode(t, refusal), timestamp)
	}
}

// Every code that the rules use has its text.
func TestOKXErrors(t *testing.T) {
	require.Panics(t, func() { okxError("1") })
	status, message := okxError(okxNotBound)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "This endpoint requires that APIKey must be bound to IP", message)
}

// FuzzOKXAuthenticate checks that only the one right signature opens the door.
func FuzzOKXAuthenticate(f *testing.F) {
	file := readOKXVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, okxTarget(vector.Path, vector.Query), vector.Body, file.Timestamp, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("POST", "/", "{}", "now", "")
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		caller, refusal := (&okx{}).authenticate(okxCall(okxTestKey(file), method, target, body, timestamp, signature))
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		require.Equal(t, right[timestamp+method+target+body], signature)
	})
}
