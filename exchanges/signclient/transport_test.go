package signclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/signclient"
)

// TestClient sends what Vault answered, and shows its signature to nobody but the
// exchange.
func TestClient(t *testing.T) {
	venue := openExchange(t)
	vault := signing(t, map[string]any{
		"method": "POST", "url": venue.URL + "/order?signature=abc", "headers": map[string]any{"X-Api-Key": "k"}, "body": `{"a":1}`,
	})
	answer, err := signerAt(t, vault).Client().Post(venue.URL+"/order", "application/json", strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, `{"retCode":0}`, string(text))
	require.Equal(t, venue.URL+"/order", answer.Request.URL.String())
	got := venue.only(t)
	require.Equal(t, "signature=abc", got.URL.RawQuery)
	require.Equal(t, "k", got.Header.Get("X-Api-Key"))
	require.Equal(t, `{"a":1}`, got.body)
	require.Empty(t, got.Header.Get("X-Vault-Token"))
}

// TestClientFollowsNothing places no order at another place.
func TestClientFollowsNothing(t *testing.T) {
	venue := newStand(t, func(w http.ResponseWriter, _ asked) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	vault := signing(t, map[string]any{"method": "POST", "url": venue.URL + "/order", "body": "a=b"})
	answer, err := signerAt(t, vault).Client().Post(venue.URL+"/order", "", strings.NewReader("a=b"))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusTemporaryRedirect, answer.StatusCode)
	venue.only(t)
}

// TestTransportKeepsDeadlines ends with the context of the request, whoever does not
// answer, and has sent nothing if that is Vault.
func TestTransportKeepsDeadlines(t *testing.T) {
	for _, silent := range []string{"vault", "exchange"} {
		t.Run(silent, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			hang := func(_ http.ResponseWriter, a asked) {
				cancel()
				<-a.Context().Done()
			}
			venue := openExchange(t)
			if silent == "exchange" {
				venue = newStand(t, hang)
			}
			vault := signing(t, map[string]any{"method": "GET", "url": venue.URL + "/x"})
			if silent == "vault" {
				vault = newStand(t, hang)
			}
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, venue.URL+"/x", nil)
			require.NoError(t, err)
			answer, err := (&signclient.Transport{Signer: signerAt(t, vault)}).RoundTrip(request)
			if err == nil {
				require.NoError(t, answer.Body.Close())
			}
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, silent == "exchange", len(venue.all()) == 1)
		})
	}
}

// closing is a body that knows whether it was closed.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// TestTransportClosesBodies closes the body of a request whatever becomes of it.
func TestTransportClosesBodies(t *testing.T) {
	venue := openExchange(t)
	ready := signerAt(t, signing(t, map[string]any{"method": "POST", "url": venue.URL + "/x", "body": "a=b"}))
	unsigned := signerAt(t, refusing(t, http.StatusBadRequest, "body: not JSON"))
	for _, c := range []struct {
		signer *signclient.Signer
		base   http.RoundTripper
		fails  string
	}{
		{nil, nil, "signclient.New"},
		{unsigned, nil, "body: not JSON"},
		{ready, roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no line") }), "no line"},
		{ready, nil, ""},
	} {
		body := &closing{Reader: strings.NewReader("a=b")}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, venue.URL+"/x", body)
		require.NoError(t, err)
		answer, err := (&signclient.Transport{Signer: c.signer, Base: c.base}).RoundTrip(request)
		if c.fails != "" {
			require.ErrorContains(t, err, c.fails)
		} else {
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
		}
		require.True(t, body.closed)
	}
}

// roundTrip is an [http.RoundTripper].
type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
