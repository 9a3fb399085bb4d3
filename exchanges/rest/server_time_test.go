package rest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestServerTime(t *testing.T) {
	type clock struct{ Now Milliseconds }
	ask := ServerTime(Call{Path: "/time", ContentType: "application/json"}, func(c clock) time.Time { return c.Now.Time })

	s := &stub{answers: []reply{ok(`{"now":1700000000123}`)}}
	now, err := ask(t.Context(), newStubClient(t, s))
	require.NoError(t, err)
	require.Equal(t, time.UnixMilli(1700000000123).UTC(), now)
	require.Equal(t, http.MethodGet, s.sent()[0].Method)
	require.Equal(t, "application/json", s.sent()[0].Header.Get("Content-Type"))
	require.Empty(t, s.sent()[0].Header.Get("Signature"), "the call is public")

	_, err = ask(t.Context(), newStubClient(t, &stub{answers: []reply{ok(`{}`)}}))
	require.ErrorIs(t, err, exchanges.ErrUnavailable, "an answer without a time")
}
