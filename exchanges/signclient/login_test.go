package signclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// TestLoginByMessage gives the message to send first.
func TestLoginByMessage(t *testing.T) {
	vault := signing(t, map[string]any{
		"channel": "trade", "note": "send it first", "url": "wss://stream.example.com/v5/trade", "message": `{"op":"auth"}`,
		"valid_until": "2026-01-02T03:04:05Z",
	})
	login, err := signerAt(t, vault).Login(t.Context(), signclient.LoginRequest{Channel: "trade", Validity: 5 * time.Second})
	require.NoError(t, err)
	require.Equal(t, &signclient.Login{
		Channel: "trade", Note: "send it first", URL: "wss://stream.example.com/v5/trade", Message: `{"op":"auth"}`,
		ValidUntil: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}, login)
	asked := vault.only(t)
	require.Equal(t, "/v1/exchange/sign/gateway/login", asked.URL.Path)
	require.Equal(t, map[string]any{"channel": "trade", "validity": "5s"}, asked.fields)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, `login to "trade", valid until 2026-01-02T03:04:05Z`, fmt.Sprintf(verb, login))
		require.NotContains(t, fmt.Sprintf(verb, *login), "auth")
	}
}

// TestLoginByRequest gives the request whose answer opens the connection.
func TestLoginByRequest(t *testing.T) {
	vault := signing(t, map[string]any{
		"channel": "private", "method": "POST", "url": "https://api.example.com/bullet", "headers": map[string]any{"X-Api-Key": "k"}, "body": "",
	})
	login, err := signerAt(t, vault).Login(t.Context(), signclient.LoginRequest{})
	require.NoError(t, err)
	require.Empty(t, vault.only(t).fields)
	require.Empty(t, login.URL+login.Message)
	require.True(t, login.ValidUntil.IsZero())
	require.Equal(t, `login to "private"`, login.String())
	require.Equal(t, "POST", login.Request.Method)
	require.Equal(t, "https://api.example.com/bullet", login.Request.URL.String())
	require.Equal(t, "k", login.Request.Header.Get("X-Api-Key"))
	require.NoError(t, login.Request.Context().Err())
}

// TestLoginReadsAnswers that are none.
func TestLoginReadsAnswers(t *testing.T) {
	for _, answer := range []map[string]any{{"channel": "private"}, {"channel": "private", "message": "m", "valid_until": "soon"}} {
		_, err := signerAt(t, signing(t, answer)).Login(t.Context(), signclient.LoginRequest{})
		require.ErrorContains(t, err, "exchange/sign/gateway/login is nothing signed")
	}
}
