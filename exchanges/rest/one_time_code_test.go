package rest

import (
	"context"
	"testing"
	"testing/synctest"
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

// A code that is about to end is not used; turns that are a period apart never
// get the same code.
func TestCodeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}})
		start := time.Now().Truncate(OneTimeCodePeriod)
		for offset := range OneTimeCodePeriod / time.Second * 2 {
			time.Sleep(time.Until(start.Add(time.Hour * (offset + 1)).Add(offset * time.Second / 2)))
			turn := time.Now()
			first, err := client.CodeTime(t.Context())
			require.NoError(t, err)
			require.Less(t, first.Sub(turn), codeMargin)
			require.GreaterOrEqual(t, OneTimeCodePeriod-first.Sub(first.Truncate(OneTimeCodePeriod)), codeMargin)
			time.Sleep(time.Until(turn.Add(OneTimeCodePeriod)))
			second, err := client.CodeTime(t.Context())
			require.NoError(t, err)
			require.Equal(t, OneTimeCodePeriod, second.Truncate(OneTimeCodePeriod).Sub(first.Truncate(OneTimeCodePeriod)))
		}

		time.Sleep(time.Until(time.Now().Truncate(OneTimeCodePeriod).Add(OneTimeCodePeriod - time.Second)))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.CodeTime(gone)
		require.ErrorIs(t, err, exchanges.ErrUnavailable)
		require.ErrorIs(t, err, context.Canceled)
	})
}
