package rest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// The codes are the last six digits of RFC 6238's test vectors for SHA-1.
func TestOneTimeCode(t *testing.T) {
	const seed = exchanges.Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	for seconds, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		code, err := OneTimeCode(seed, time.Unix(seconds, 0))
		require.NoError(t, err)
		require.Equal(t, want, code.Reveal())
	}
	_, err := OneTimeCode("not base32, 0189", time.Unix(0, 0))
	require.ErrorContains(t, err, "totp_secret: ")
	require.NotContains(t, err.Error(), "0189")
}
