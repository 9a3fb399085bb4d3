package rest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vault-plugin-secrets-exchange/exchanges"
)

// readStatus calls a real server with the client's own transport.
func readStatus(t *testing.T, baseURL string) error {
	client, err := newClient(Config{Exchange: "example", BaseURL: baseURL, Sign: signStub, Unwrap: unwrapStub})
	require.NoError(t, err)
	defer client.Close()
	return client.Do(t.Context(), Call{Operation: "status", Method: http.MethodGet, Path: "/status", Effect: Once}, nil)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a signed request wandered to another host")
	}))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
			defer server.Close()
			err := readStatus(t, server.URL)
			require.ErrorIs(t, err, exchanges.ErrUnavailable)
			require.ErrorContains(t, err, "base_url")
		})
	}
}

func TestTLS(t *testing.T) {
	serve := func(t *testing.T, version uint16) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{}`))
		}))
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // Refused handshakes are what is tested.
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	for version, accepted := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			server := serve(t, version)
			transport := newTransport()
			defer transport.CloseIdleConnections()
			transport.TLSClientConfig.RootCAs = x509.NewCertPool()
			transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			require.NoError(t, err)
			response, err := transport.RoundTrip(request)
			if !accepted {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
		})
	}
	t.Run("a certificate that nobody vouches for", func(t *testing.T) {
		err := readStatus(t, serve(t, tls.VersionTLS13).URL)
		require.ErrorIs(t, err, exchanges.ErrUnavailable, "nothing was sent")
		require.ErrorContains(t, err, "TLS certificate cannot be verified")
	})
}

func TestConnectionsAreBounded(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	var open, most atomic.Int64
	release := make(chan struct{})
	var arrived sync.WaitGroup
	arrived.Add(maxConnections)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-release:
		default:
			arrived.Done()
			<-release
		}
		_, _ = w.Write([]byte(`{}`))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			most.Store(max(most.Load(), open.Add(1)))
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	client, err := newClient(Config{Exchange: "example", BaseURL: server.URL, Sign: signStub, Unwrap: unwrapStub})
	require.NoError(t, err)
	var callers sync.WaitGroup
	for range 3 * maxConnections {
		callers.Go(func() {
			assert.NoError(t, client.Do(t.Context(), Call{Method: http.MethodPost, Path: "/"}, nil))
		})
	}
	arrived.Wait()
	close(release)
	callers.Wait()
	require.EqualValues(t, maxConnections, most.Load())
	client.Close()
	server.Close()
	goleak.VerifyNone(t, leaks)
}

func TestProxyFromEnvironment(t *testing.T) {
	require.NotNil(t, newTransport().Proxy)
}
