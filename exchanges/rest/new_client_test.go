package rest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

func TestNewClient(t *testing.T) {
	description := exchanges.Description{
		Name: "example", DisplayName: "Example",
		Environments: []exchanges.Environment{{Name: "production", BaseURL: "https://api.example.com"}, {Name: "testnet", BaseURL: "https://test.example.com"}},
		Variants: []exchanges.Variant{
			{Name: "master", RateLimits: []exchanges.RateLimit{{Operation: mint, Requests: 1, Per: time.Second}}},
			{Name: "link", RateLimits: []exchanges.RateLimit{{Operation: revoke, Requests: 1, Per: time.Second}}},
		},
	}
	credential := exchanges.Credential{APIKey: "key", APISecret: rootSecret, Passphrase: "Pass#phrase1"}

	client, err := NewClient(description, credential, exchanges.Options{}, Config{Secrets: []exchanges.Secret{"token-of-the-config"}})
	require.NoError(t, err)
	require.Equal(t, "example", client.config.Exchange)
	require.Equal(t, "https://api.example.com", client.config.BaseURL)
	require.Equal(t, []exchanges.Secret{rootSecret, "Pass#phrase1", "token-of-the-config"}, client.secrets())
	require.True(t, client.pacer.Limits(string(mint)))
	require.False(t, client.pacer.Limits(string(revoke)))

	client, err = NewClient(description, credential, exchanges.Options{Environment: "testnet", Variant: "link"}, Config{})
	require.NoError(t, err)
	require.Equal(t, "https://test.example.com", client.config.BaseURL)
	require.True(t, client.pacer.Limits(string(revoke)))

	client, err = NewClient(description, credential, exchanges.Options{BaseURL: "http://127.0.0.1:8301"}, Config{})
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8301", client.config.BaseURL)

	unreadable := credential
	unreadable.TOTPSecret = "canary 1"
	_, err = NewClient(description, unreadable, exchanges.Options{}, Config{})
	require.ErrorIs(t, err, exchanges.ErrInvalid)
	require.ErrorContains(t, err, "totp_secret: not base32; give the letters A to Z")
	require.NotContains(t, err.Error(), "canary")

	for field, options := range map[string]exchanges.Options{
		"environment": {Environment: "demo"}, "variant": {Variant: "broker"}, "base_url": {BaseURL: "http://example.com"},
	} {
		_, err = NewClient(description, credential, options, Config{})
		require.ErrorIs(t, err, exchanges.ErrInvalid, field)
		require.ErrorContains(t, err, field)
	}
}
