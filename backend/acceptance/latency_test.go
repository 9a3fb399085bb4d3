package acceptance_test

import (
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Answers of an exchange take this long on their way, as over a real network, so
// that a crash can find them there: the exchange has done its work and nobody
// knows yet.
const (
	leastLatency = 5 * time.Millisecond
	mostLatency  = 80 * time.Millisecond
)

// distant puts a network between the plugin and an exchange, and returns the URL
// at which the exchange is reached through it.
func distant(t *testing.T, exchange string) string {
	target, err := url.Parse(exchange)
	require.NoError(t, err)
	network := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(*http.Response) error {
			time.Sleep(leastLatency + rand.N(mostLatency-leastLatency))
			return nil
		},
		// Callers that have gone are what the tests are about.
		ErrorLog: log.New(io.Discard, "", 0),
	})
	t.Cleanup(network.Close)
	return network.URL
}
