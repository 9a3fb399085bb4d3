package signclient_test

import (
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// TestNew takes the paths at which Vault signs, and no others.
func TestNew(t *testing.T) {
	vault, err := api.NewClient(api.DefaultConfig())
	require.NoError(t, err)
	for _, path := range []string{"exchange/sign/gateway", "exchange/sign/key/0123", "teams/a/exchange/sign/key/0123", "sign/sign/a"} {
		_, err := signclient.New(vault, path)
		require.NoError(t, err, path)
	}
	for _, path := range []string{
		"", "sign/gateway", "sign/key/0123", "exchange/sign", "exchange/sign/", "exchange/sign/key", "exchange/sign/key/",
		"/exchange/sign/gateway", "v1/exchange/sign/gateway", "exchange/sign/gateway/login", "exchange/sign/key/0123/login",
		"exchange/creds/trader", "exchange/../sign/gateway", "exchange/sign/a?b=c",
	} {
		_, err := signclient.New(vault, path)
		require.ErrorContains(t, err, "give MOUNT/sign/ROLE or MOUNT/sign/key/ID", path)
	}
	_, err = signclient.New(nil, "exchange/sign/gateway")
	require.ErrorContains(t, err, "api.NewClient")
}
