package simulator

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// okxCall is a vector as a call to its venue.
func okxCall(k *venue.Key, v vector) *venue.Call {
	return v.callTo(k, time.UnixMilli(1_753_364_096_123),
		"OK-ACCESS-KEY", k.APIKey, "OK-ACCESS-PASSPHRASE", k.Passphrase, "OK-ACCESS-TIMESTAMP", v.Timestamp,
		"OK-ACCESS-SIGN", v.Signature, "Content-Type", "application/json")
}

func okxSigning() signing {
	return signing{
		venue: "okx", rules: newOKX, call: okxCall,
		signed: func(c *venue.Call) (text, signature string) {
			return c.Header.Get("OK-ACCESS-TIMESTAMP") + c.Method + c.RequestURI + string(c.Body), c.Header.Get("OK-ACCESS-SIGN")
		},
		field: "code", badSignature: okxBadSignature,
	}
}

func TestOKXVectors(t *testing.T) {
	okxSigning().testVectors(t, map[string]func(*vector){"lower case": inLowerCase})
}

// A caller's clock may be off by 30 seconds either way.
func TestOKXTimestampWindow(t *testing.T) {
	k := readVectors(t, "okx").root(t, vector{})
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
		c := okxCall(k, vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "x"})
		okxSigning().requireRefused(t, c, want, timestamp)
	}
}

// Every code that the rules use has its text.
func TestOKXErrors(t *testing.T) {
	require.Panics(t, func() { okxError("1") })
	status, message := okxError(okxNotBound)
	require.Equal(t, http.StatusForbidden, status)
	require.Equal(t, "This endpoint requires that APIKey must be bound to IP", message)
}

func FuzzOKXAuthenticate(f *testing.F) { okxSigning().fuzz(f) }
