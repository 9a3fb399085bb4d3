package bybit

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

func TestUnwrapSuccess(t *testing.T) {
	for _, retMsg := range []string{"", "OK", "success"} {
		payload, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(`{"retCode":0,"retMsg":"` + retMsg + `","result":{"a":1},"retExtInfo":null}`)})
		require.NoError(t, err)
		require.JSONEq(t, `{"a":1}`, string(payload))
	}
}

// The text of a refused signature repeats what was signed, including the body of a
// request for a key.
func TestUnwrapRefusedSignature(t *testing.T) {
	_, err := unwrap(rest.Answer{Status: http.StatusOK, Body: []byte(`{"retCode":10004,"retMsg":"error sign! origin_string[canary]"}`)})
	require.ErrorIs(t, err, exchanges.ErrAuth)
	require.NotContains(t, err.Error(), "canary")
}

func TestUnwrapRemedies(t *testing.T) {
	for code, remedy := range map[int64]string{
		10002: "clock", 10003: "environment", 10004: "api_secret", 10005: "Wallet", 10010: "public address", 10017: "base_url",
		10028: "account mode", 20096: "identity", 141004: "frozen", 500010: "another master", 81007: "website",
	} {
		require.Contains(t, meaning(code).Remedy, remedy, "code %d", code)
	}
}

// Whatever Bybit sends, the result is a payload or a failure of a known kind.
func FuzzUnwrap(f *testing.F) {
	for _, failure := range exchangetest.Failures(f, "bybit") {
		f.Add(failure.Status, []byte(failure.Body), "1753364096873")
	}
	f.Add(200, []byte(`{"retCode":0,"result":{}}`), "")
	f.Fuzz(func(t *testing.T, status int, body []byte, reset string) {
		header := http.Header{"X-Bapi-Limit-Reset-Timestamp": {reset}}
		payload, err := unwrap(rest.Answer{Status: status, Header: header, Body: body})
		if err == nil {
			var e envelope
			require.NoError(t, json.Unmarshal(body, &e))
			require.EqualValues(t, 0, *e.RetCode)
			require.True(t, len(payload) == 0 || json.Valid(payload))
			return
		}
		exchangetest.Failed(t, err)
	})
}

func TestQuota(t *testing.T) {
	headers := func(status, reset string) http.Header {
		return http.Header{"X-Bapi-Limit-Status": {status}, "X-Bapi-Limit-Reset-Timestamp": {reset}}
	}
	got, ok := quota(headers("0", "1753364096123"))
	require.True(t, ok)
	require.Equal(t, rest.Quota{Remaining: 0, Reset: time.UnixMilli(1753364096123)}, got)
	got, ok = quota(headers("9", "1753364096123"))
	require.True(t, ok)
	require.Equal(t, 9, got.Remaining)
	for _, bad := range []http.Header{{}, headers("", "1753364096123"), headers("0", ""), headers("0", "soon"), headers("x", "1")} {
		_, ok = quota(bad)
		require.False(t, ok)
	}
}
