package exchangetest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
)

// OpenInside is [OpenStub] for a test in a synctest bubble: the answers come without
// a network, so that no wait takes any time. The account ends with the test.
func OpenInside(
	t *testing.T, driver exchanges.Exchange, credential exchanges.Credential, options exchanges.Options, answer http.HandlerFunc,
) exchanges.Account {
	t.Helper()
	options.BaseURL, options.RateMultiplier, options.Transport = "http://127.0.0.1:1", hurried, inside(answer)
	account, err := driver.Open(credential, options)
	require.NoError(t, err)
	t.Cleanup(account.Close)
	return account
}

// inside answers requests where they are made.
type inside http.HandlerFunc

// RoundTrip implements [http.RoundTripper].
func (answer inside) RoundTrip(request *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	answer(recorder, request)
	response := recorder.Result()
	response.Request = request
	return response, nil
}
