package deribit

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

func TestVectors(t *testing.T) {
	file := venuetest.ReadVectors(t, "deribit")
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			e, k := newRules().(*exchange), file.Root(t, v)
			if strings.HasPrefix(v.Name, "login") {
				require.True(t, e.verifies(k, v.StringToSign, v.Signature))
				require.False(t, e.verifies(k, v.StringToSign+"x", v.Signature))
				return
			}
			parts := strings.SplitN(v.StringToSign, "\n", 3)
			request := func(body string) *venue.Call {
				sent := v
				sent.Body = body
				return sent.CallTo(k, time.UnixMilli(1760000000000),
					"Authorization", "deri-hmac-sha256 id="+k.APIKey+",ts="+parts[0]+",sig="+v.Signature+",nonce="+parts[1])
			}
			caller, refusal := e.Authenticate(request(v.Body))
			require.Nil(t, refusal)
			require.Same(t, k, caller)
			_, refusal = e.Authenticate(request(v.Body))
			require.Equal(t, http.StatusUnauthorized, refusal.Status, "a nonce can be used once")
			_, refusal = e.Authenticate(request(v.Body + " "))
			require.Equal(t, http.StatusBadRequest, refusal.Status, "another body")
		})
	}
}

func TestCode(t *testing.T) {
	require.Equal(t, "885822", venue.OneTimeCode("JBSWY3DPEHPK3PXP", time.Unix(1760000000, 0)))
}

func TestFingerprint(t *testing.T) {
	public := venue.NewEd25519()().Public()
	require.Regexp(t, `^([0-9a-f]{2}:){15}[0-9a-f]{2}$`, fingerprint(venue.PublicPEM(public)))
}
