package simulator

import (
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// gateCall is a vector as a call to its venue.
func gateCall(k *venue.Key, v vector) *venue.Call {
	return v.callTo(k, time.Unix(1_700_000_000, 0),
		"KEY", k.APIKey, "Timestamp", v.Timestamp, "SIGN", v.Signature, "Content-Type", "application/json")
}

func gateSigning() signing {
	return signing{
		venue: "gate", rules: newGate, call: gateCall,
		signed: func(c *venue.Call) (text, signature string) {
			text, _ = gateSignedText(c)
			return text, c.Header.Get("SIGN")
		},
		field: "label", badSignature: "INVALID_SIGNATURE",
	}
}

func TestGateVectors(t *testing.T) {
	gateSigning().testVectors(t, map[string]func(*vector){"upper case": inUpperCase})
}

// A caller's clock may be off by 60 seconds either way.
func TestGateTimestampWindow(t *testing.T) {
	k := readVectors(t, "gate").root(t, vector{})
	for timestamp, want := range map[string]string{
		"1699999940": "INVALID_SIGNATURE", "1700000060": "INVALID_SIGNATURE", // in time; the next check fails
		"1699999939": "REQUEST_EXPIRED", "1700000061": "REQUEST_EXPIRED", "": "MISSING_REQUIRED_HEADER",
	} {
		c := gateCall(k, vector{Method: http.MethodGet, Path: "/", Timestamp: timestamp, Signature: "x"})
		gateSigning().requireRefused(t, c, want, timestamp)
	}
}

func FuzzGateAuthenticate(f *testing.F) { gateSigning().fuzz(f) }
