package binance

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapKeepsTheBody(t *testing.T) {
	for _, body := range []string{`{}`, `[]`, `{"serverTime":1760000000123}`} {
		payload, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(body)})
		require.NoError(t, err)
		assert.Equal(t, body, string(payload))
	}
}

// FuzzUnwrap checks that no answer is taken for a success unless it is one, and
// that every other answer has a kind.
func FuzzUnwrap(f *testing.F) {
	f.Add(200, `{}`)
	f.Add(200, `<html>`)
	f.Add(400, `{"code":-1022,"msg":"Signature for this request is not valid."}`)
	f.Add(400, `{"code":100001002,"msg":"x"}`)
	f.Add(418, `{"code":"x"}`)
	f.Add(503, `null`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		payload, err := unwrap(rest.Answer{Status: status, Body: []byte(body)})
		if err == nil {
			require.Equal(t, http.StatusOK, status)
			require.True(t, json.Valid(payload))
			return
		}
		exchangetest.Failed(t, err)
	})
}

// FuzzKey checks that decoding a key can only fail with an error, and that every
// decoded key can read.
func FuzzKey(f *testing.F) {
	f.Add(`{"apiKey":"k","secretKey":null,"canTrade":true,"status":2,"ipList":["203.0.113.7"]}`)
	f.Add(`[{"subaccountId":"1","apikey":"AbC*************","canTrade":true,"marginTrade":false}]`)
	f.Add(`{"apiName":"n","apikey":"k","timestamp":"1640000000000","status":"1"}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, body string) {
		var keys keyList
		if err := json.Unmarshal([]byte(body), &keys); err != nil {
			return
		}
		for _, k := range keys.Items {
			require.Contains(t, k.info().Permissions, reading)
		}
	})
}
