package signclient_test

import (
	"net/http"
	"testing"

	"github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// TestRefusal tells what to do, and whether to try again.
func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		status    int
		reasons   []string
		says      string
		temporary bool
	}{
		{http.StatusBadRequest, []string{"1 error occurred:\n\t* the key's lease has ended; read creds/ for a new one\n\n"},
			"Vault does not sign at exchange/sign/gateway: the key's lease has ended; read creds/ for a new one (400)", false},
		{http.StatusForbidden, []string{"key_id: the key was leased to somebody else"},
			"Vault does not sign at exchange/sign/gateway: key_id: the key was leased to somebody else (403)", false},
		{http.StatusForbidden, []string{"1 error occurred:\n\t* permission denied\n\n"},
			`permission denied (403); log in to Vault again if the token has ended; else let its policy have "update" on exchange/sign/gateway`, false},
		{http.StatusBadRequest, []string{"missing client token"}, "VAULT_TOKEN", false},
		{http.StatusNotFound, []string{`no handler for route "exchange/sign/gateway". route entry not found.`}, "vault secrets list", false},
		{http.StatusTooManyRequests, []string{"request path \"exchange/sign/gateway\": rate limit quota exceeded"}, "less often", true},
		{http.StatusServiceUnavailable, []string{"Vault is sealed"}, "Vault is sealed (503); nothing was sent to the exchange, so it is safe to try again", true},
		{http.StatusBadGateway, nil, "Bad Gateway (502)", true},
	} {
		venue := openExchange(t)
		err := get(t, signerAt(t, refusing(t, c.status, c.reasons...)), venue.URL+"/x")
		require.ErrorContains(t, err, c.says)
		var refusal *signclient.Refusal
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, c.temporary, refusal.Temporary(), c.says)
		require.Equal(t, "exchange/sign/gateway", refusal.Path)
		var response *api.ResponseError
		require.ErrorAs(t, err, &response)
		require.Equal(t, c.status, response.StatusCode)
		require.NotContains(t, err.Error(), token)
		require.Empty(t, venue.all())
	}
}

// TestVaultDoesNotAnswer says so, and that nothing was sent.
func TestVaultDoesNotAnswer(t *testing.T) {
	vault, venue := signing(t, anything()), openExchange(t)
	vault.Close()
	err := get(t, signerAt(t, vault), venue.URL+"/x")
	require.ErrorContains(t, err, "ask Vault to sign at exchange/sign/gateway")
	require.ErrorContains(t, err, "nothing was sent")
	require.Empty(t, venue.all())
}

// get sends a request that is to fail.
func get(t *testing.T, signer *signclient.Signer, url string) error {
	answer, err := signer.Client().Get(url)
	if err == nil {
		require.NoError(t, answer.Body.Close())
	}
	return err
}
