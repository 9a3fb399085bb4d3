package whitebit

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// credential has the two parts that WhiteBIT asks for.
func credential() exchanges.Credential {
	return exchanges.Credential{APIKey: "root", APISecret: "secret"}
}

// What is signed is the body as it is sent, including the replay fields.
func TestSign(t *testing.T) {
	s, err := newSigner(credential())
	require.NoError(t, err)
	call := &rest.Request{
		Method: http.MethodPost, Path: "/api/v4/order/new", Header: http.Header{},
		Body: []byte(`{"amount":0.10,"nonce":1,"request":"/other","nonceWindow":false}`),
	}
	require.NoError(t, s.sign(call, time.UnixMilli(1_790_000_000_000)))
	require.JSONEq(t, `{"amount":0.10,"nonce":"1790000000000","nonceWindow":true,"request":"/api/v4/order/new"}`, string(call.Body))
	require.Contains(t, string(call.Body), "0.10", "numbers stay as they were written")
	require.Equal(t, base64.StdEncoding.EncodeToString(call.Body), call.Header.Get("X-TXC-PAYLOAD"))
	signature, err := s.signature(call.Header.Get("X-TXC-PAYLOAD"))
	require.NoError(t, err)
	require.Equal(t, signature, call.Header.Get("X-TXC-SIGNATURE"))
	require.Regexp(t, `^[0-9a-f]{128}$`, call.Signature)
	require.Equal(t, "root", call.Header.Get("X-TXC-APIKEY"))
	require.Equal(t, "application/json", call.Header.Get("Content-Type"))
}

func TestSignRefuses(t *testing.T) {
	s, err := newSigner(credential())
	require.NoError(t, err)
	for name, call := range map[string]rest.Request{
		"another method": {Method: http.MethodGet},
		"a query":        {Method: http.MethodPost, Query: "a=b"},
		"an array":       {Method: http.MethodPost, Body: []byte(`[]`)},
		"null":           {Method: http.MethodPost, Body: []byte(`null`)},
		"no JSON":        {Method: http.MethodPost, Body: []byte(`a=b`)},
	} {
		call.Header = http.Header{}
		require.Error(t, s.sign(&call, time.Now()), name)
		require.Empty(t, call.Header, name)
	}
}

// Concurrent calls have different nonces, close to the time.
func TestNoncesAreUnique(t *testing.T) {
	s, err := newSigner(credential())
	require.NoError(t, err)
	at := time.UnixMilli(1_790_000_000_000)
	var mu sync.Mutex
	var running sync.WaitGroup
	seen := map[string]bool{}
	for range 100 {
		running.Go(func() {
			nonce := s.nonce(at)
			mu.Lock()
			defer mu.Unlock()
			seen[nonce] = true
		})
	}
	running.Wait()
	require.Len(t, seen, 100)
	require.True(t, seen["1790000000000"] && seen["1790000000099"])
}

// A nonce follows the clock, forwards and, if it was set back, backwards.
func TestNonceFollowsTheClock(t *testing.T) {
	s, err := newSigner(credential())
	require.NoError(t, err)
	for _, step := range []struct{ at, want int64 }{
		{100_000, 100_000}, {100_000, 100_001}, {99_999, 100_002}, {200_000, 200_000}, {195_001, 200_001}, {195_001, 195_001}, {100_000, 100_000},
	} {
		require.Equal(t, strconv.FormatInt(step.want, 10), s.nonce(time.UnixMilli(step.at)))
	}
}

// FuzzSign checks that every JSON object is sent as it was given, apart from the
// replay fields, and that nothing else is signed.
func FuzzSign(f *testing.F) {
	f.Add("/api/v4/order/new", []byte(`{"market":"BTC_USDT","amount":1.10,"text":"a<b\u00e9"}`))
	f.Add("/", []byte(``))
	f.Add("/", []byte(`{"request":1,"a":{"b":[null]}}`))
	f.Add("/", []byte(`null`))
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		s, err := newSigner(credential())
		require.NoError(t, err)
		call := &rest.Request{Method: http.MethodPost, Path: path, Body: body, Header: http.Header{}}
		var given map[string]any
		object := len(body) == 0 || json.Unmarshal(body, &given) == nil && given != nil
		err = s.sign(call, time.UnixMilli(1))
		require.Equal(t, object, err == nil)
		if err != nil {
			return
		}
		var sent map[string]any
		require.NoError(t, json.Unmarshal(call.Body, &sent))
		require.Equal(t, "1", sent["nonce"])
		require.Equal(t, true, sent["nonceWindow"])
		for _, field := range []string{"request", "nonce", "nonceWindow"} {
			require.Contains(t, sent, field)
			delete(sent, field)
			delete(given, field)
		}
		require.Len(t, sent, len(given))
		for name, value := range given {
			require.Equal(t, value, sent[name])
		}
	})
}
