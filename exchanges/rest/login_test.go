package rest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// TestStreamURL proves that a login never names a host that is not the exchange's for
// the connection's base URL.
func TestStreamURL(t *testing.T) {
	about := exchanges.Description{
		Name: "test",
		Environments: []exchanges.Environment{{
			Name: "production", BaseURL: "https://api.example.com",
			Streams: map[string]string{"private": "wss://stream.example.com:8443/ws"},
		}},
		Variants: []exchanges.Variant{{Signing: exchanges.Signing{Logins: []exchanges.Channel{{Name: "private", Chosen: true}}}}},
	}
	for base, want := range map[string]string{
		"":                        "wss://stream.example.com:8443/ws",
		"https://api.example.com": "wss://stream.example.com:8443/ws",
		"http://127.0.0.1:8080":   "ws://127.0.0.1:8080/ws",
		"https://elsewhere.com":   "",
	} {
		client, err := NewClient(about, exchanges.Credential{}, exchanges.Options{BaseURL: base}, Config{})
		require.NoError(t, err)
		login, err := client.Login(t.Context(), exchanges.LoginRequest{}, func(_ exchanges.Channel, address string, _ time.Time, validity time.Duration) (any, error) {
			require.Equal(t, want, address, base)
			require.Equal(t, exchanges.MaxLoginValidity, validity)
			return map[string]string{"op": "login"}, nil
		})
		require.NoError(t, err)
		require.Equal(t, want, login.URL, base)
		require.JSONEq(t, `{"op":"login"}`, string(login.Message))
		client.Close()
	}
}

// TestHostOfRequest proves that a request is signed for one of the exchange's hosts.
func TestHostOfRequest(t *testing.T) {
	about := exchanges.Description{
		Name:         "test",
		Environments: []exchanges.Environment{{Name: "production", BaseURL: "https://api.example.com", Hosts: []string{"futures.example.com"}}},
		Variants:     []exchanges.Variant{{}},
	}
	var signedFor string
	client, err := NewClient(about, exchanges.Credential{}, exchanges.Options{}, Config{
		Sign: func(r *Request, _ time.Time) error { signedFor = r.Host; return nil },
	})
	require.NoError(t, err)
	defer client.Close()
	for host, want := range map[string]string{"": "api.example.com", "API.example.com": "api.example.com", "futures.example.com": "futures.example.com"} {
		request, err := client.SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodGet, Path: "/x", Host: host})
		require.NoError(t, err)
		require.Equal(t, "https://"+want+"/x", request.URL.String())
		require.Equal(t, want, signedFor)
	}
	_, err = client.SignRequest(t.Context(), exchanges.UserRequest{Method: http.MethodGet, Path: "/x", Host: "elsewhere.com"})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "host")
}
