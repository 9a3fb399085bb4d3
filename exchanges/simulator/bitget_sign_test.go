package simulator

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bitgetVectors are signatures computed outside of this project.
type bitgetVectors struct {
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

func readBitgetVectors(t testing.TB) bitgetVectors {
	data, err := os.ReadFile("../../testdata/bitget/vectors.json")
	require.NoError(t, err)
	var vectors bitgetVectors
	require.NoError(t, json.Unmarshal(data, &vectors))
	require.NotEmpty(t, vectors.Vectors)
	return vectors
}

// bitgetCall is a signed call to the one key that its books hold.
func bitgetCall(t testing.TB, file bitgetVectors, method, target, body, timestamp, signature string) *call {
	header := http.Header{}
	for name, value := range map[string]string{
		"ACCESS-KEY": file.APIKey, "ACCESS-PASSPHRASE": file.Passphrase, "ACCESS-TIMESTAMP": timestamp,
		"ACCESS-SIGN": signature, "Content-Type": "application/json",
	} {
		header.Set(name, value)
	}
	ms, err := strconv.ParseInt(file.Timestamp, 10, 64)
	require.NoError(t, err)
	k := &key{apiKey: file.APIKey, secret: file.Secret, passphrase: file.Passphrase, account: &account{id: "master"}}
	return &call{
		Request: &http.Request{Method: method, RequestURI: target, Header: header},
		body:    []byte(body),
		now:     time.UnixMilli(ms),
		books:   &books{keys: []*key{k}},
	}
}

func bitgetRefusalCode(t testing.TB, refusal *answer) string {
	require.NotNil(t, refusal)
	var envelope struct {
		Code string `json:"code"`
	}
	require.NoError(t, json.Unmarshal(refusal.body, &envelope))
	return envelope.Code
}

func bitgetTarget(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

func TestBitgetVectors(t *testing.T) {
	file := readBitgetVectors(t)
	for _, vector := range file.Vectors {
		t.Run(vector.Name, func(t *testing.T) {
			require.True(t, bitgetVerifies(&key{secret: file.Secret}, vector.StringToSign, vector.Signature))
			c := bitgetCall(t, file, vector.Method, bitgetTarget(vector.Path, vector.Query), vector.Body, file.Timestamp, vector.Signature)
			caller, refusal := (&bitget{}).authenticate(c)
			require.Nil(t, refusal)
			require.Equal(t, file.APIKey, caller.apiKey)

			c.Header.Set("ACCESS-SIGN", strings.ToLower(vector.Signature))
			_, refusal = (&bitget{}).authenticate(c)
			require.Equal(t, bitgetBadSignature, bitgetRefusalCode(t, refusal), "lower case is another signature")
		})
	}
}

// A caller's clock may be off by 30 seconds either way.
func TestBitgetTimestampWindow(t *testing.T) {
	file := readBitgetVectors(t)
	for timestamp, want := range map[string]string{
		"1767225600000":        bitgetBadSignature, // in time; the next check fails
		"1767225570000":        bitgetBadSignature,
		"1767225630000":        bitgetBadSignature,
		"1767225569999":        bitgetExpiredTimestamp,
		"1767225630001":        bitgetExpiredTimestamp,
		"1767225600":           bitgetExpiredTimestamp,
		"2026-01-01T00:00:00Z": bitgetBadTimestamp,
		"":                     bitgetBadTimestamp,
	} {
		_, refusal := (&bitget{}).authenticate(bitgetCall(t, file, http.MethodGet, "/", "", timestamp, "AAAA"))
		require.Equal(t, want, bitgetRefusalCode(t, refusal), timestamp)
	}
}

// FuzzBitgetAuthenticate checks that only the one right signature opens the
// door.
func FuzzBitgetAuthenticate(f *testing.F) {
	file := readBitgetVectors(f)
	right := make(map[string]string)
	for _, vector := range file.Vectors {
		f.Add(vector.Method, bitgetTarget(vector.Path, vector.Query), vector.Body, file.Timestamp, vector.Signature)
		right[vector.StringToSign] = vector.Signature
	}
	f.Add("POST", "/", "{}", "now", "")
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		caller, refusal := (&bitget{}).authenticate(bitgetCall(t, file, method, target, body, timestamp, signature))
		if caller == nil {
			require.NotNil(t, refusal)
			return
		}
		require.Equal(t, right[timestamp+method+target+body], signature)
	})
}

func TestBitgetMessages(t *testing.T) {
	require.Panics(t, func() { bitgetMessage("1") })
}
