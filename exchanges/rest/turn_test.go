package rest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/pace"
)

const mint, revoke = exchanges.OpCreateKey, exchanges.OpDeleteKey

func TestClientWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newStubClient(t, &stub{answers: []reply{ok(`{}`)}}, func(c *Config) {
			c.Limits = []exchanges.RateLimit{{Operation: exchanges.OpOneTimeCode, Requests: 1, Per: 30 * time.Second}}
		})
		require.NoError(t, client.Wait(t.Context(), "anything else", 5))
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 2))
		err := client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 2)
		require.ErrorIs(t, err, exchanges.ErrRateLimited, "the second of two turns comes too late")
		require.ErrorContains(t, err, "example: one-time code: ")
		start := time.Now()
		require.NoError(t, client.Wait(exchanges.WithPatience(t.Context(), 45*time.Second), exchanges.OpOneTimeCode, 1))
		require.Equal(t, 30*time.Second, time.Since(start))

		client.Pause(exchanges.OpOneTimeCode, time.Hour)
		start = time.Now()
		require.NoError(t, client.Wait(t.Context(), exchanges.OpOneTimeCode, 1))
		require.Equal(t, pace.MaxPause, time.Since(start), "no pause is longer")
	})
}
