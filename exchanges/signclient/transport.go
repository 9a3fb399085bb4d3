package signclient

import (
	"errors"
	"net/http"
	"time"
)

// clientTimeout is how long a request of [Signer.Client] may take, signing included.
const clientTimeout = 30 * time.Second

// Transport is an [http.RoundTripper] that has each request signed and sends what Vault
// answered. Requests that need no signature, such as for market data, are better sent by
// another client: to sign them takes a round trip.
type Transport struct {
	// Signer signs; it must be set.
	Signer *Signer
	// Base sends what was signed; nil means [http.DefaultTransport].
	Base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper]. If it fails with a [Refusal], nothing was sent
// to the exchange.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.Signer == nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errors.New("signclient.Transport has no Signer; make one with signclient.New")
	}
	signed, err := t.Signer.Sign(request)
	if err != nil {
		return nil, err
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	response, err := base.RoundTrip(signed)
	if err != nil {
		return nil, err
	}
	response.Request = request // The signed one may have its signature in the URL, and callers log that.
	return response, nil
}

// Client is an HTTP client that has each request signed. A request may take 30 seconds;
// give it a context that ends sooner where that is too long. It follows no redirection: an
// order is not to be placed twice.
func (s *Signer) Client() *http.Client {
	return &http.Client{
		Transport: &Transport{Signer: s},
		Timeout:   clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}
