package exchangetest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// OpenStub opens an account at a server that answers in place of the exchange, for
// answers that the simulator never gives. Both end with the test.
func OpenStub(t *testing.T, driver exchanges.Exchange, credential exchanges.Credential, answer http.HandlerFunc) exchanges.Account {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	account, err := driver.Open(credential, exchanges.Options{BaseURL: server.URL, RateMultiplier: hurried})
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account
}
