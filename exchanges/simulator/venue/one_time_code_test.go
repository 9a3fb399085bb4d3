package venue

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The codes are the last six digits of RFC 6238's test vectors for SHA-1.
func TestOneTimeCode(t *testing.T) {
	for seconds, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		require.Equal(t, want, OneTimeCode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time.Unix(seconds, 0)))
	}
	require.Panics(t, func() { OneTimeCode("1", time.Unix(0, 0)) })
}
