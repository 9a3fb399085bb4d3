// Package venuetest is what the tests of the simulated exchanges have in
// common: a [Client], from which each of them makes one that signs as its
// exchange's documentation says, and [Signing], which checks a venue against
// signatures that were computed outside this project.
package venuetest

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Client is what the clients of all venues have in common. A venue's client
// embeds it and adds signatures and the envelope of answers, following the
// exchange's documentation. That code is shared neither with the simulator nor
// with the exchange's driver.
type Client struct {
	*testing.T
	simulator.Access // its credential is the one that signs
	Now              func() time.Time
	HTTP             *http.Client
}

// NewClient is a client with one of a venue's root keys. It goes by the venue's
// clock.
func NewClient(t *testing.T, s *simulator.Simulator, venue, root string) Client {
	t.Helper()
	access, ok := s.Root(venue, root)
	require.True(t, ok)
	return Client{T: t, Access: access, Now: s.Now, HTTP: http.DefaultClient}
}

// Timestamp is the client's time in milliseconds.
func (c *Client) Timestamp() string { return strconv.FormatInt(c.Now().UnixMilli(), 10) }

// Request is a request with the headers that the pairs name. A header with an
// empty value is left out.
func (c *Client) Request(method, target, body string, headers ...string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	return request
}

// Send sends a request and reads the whole answer.
func (c *Client) Send(request *http.Request) Reply {
	c.Helper()
	response, err := c.HTTP.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	return Reply{T: c.T, StatusCode: response.StatusCode, Header: response.Header, Body: string(body)}
}

// Signature signs with the private key, if there is one: Ed25519, or RSA with
// PKCS #1 v1.5 and SHA-256. Otherwise it is an HMAC-SHA256 with the secret.
func (c *Client) Signature(text string) []byte {
	c.Helper()
	if c.PrivateKey == "" {
		return MAC(sha256.New, c.APISecret, text)
	}
	block, _ := pem.Decode([]byte(c.PrivateKey))
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(c, err)
	if private, ok := private.(ed25519.PrivateKey); ok {
		return ed25519.Sign(private, []byte(text))
	}
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	require.NoError(c, err)
	return signature
}

// MAC is the HMAC of a text.
func MAC(algorithm func() hash.Hash, secret, text string) []byte {
	m := hmac.New(algorithm, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Do sends a request and returns the status and body of the answer.
func Do(t *testing.T, request *http.Request) (status int, body string) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// Form collects pairs of names and values.
func Form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// Reply is a venue's answer as it came.
type Reply struct {
	T          *testing.T  `json:"-"` // hidden from Decode, like the fields below
	StatusCode int         `json:"-"`
	Header     http.Header `json:"-"`
	Body       string      `json:"-"`
}

// Decode reads the body into a venue's envelope or into a result.
func (r Reply) Decode(result any) {
	r.T.Helper()
	require.NoError(r.T, json.Unmarshal([]byte(r.Body), result), r.Body)
}

// IsJSON reports whether the answer says that it is JSON.
func (r Reply) IsJSON() bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

// venueClient is the client of one venue, of type C.
type venueClient[C any] interface {
	*C
	shared() *Client
}

func (c *Client) shared() *Client { return c }

// changed is a copy of a venue's client with a change to the part that all have
// in common.
func changed[P venueClient[C], C any](c P, change func(*Client)) P {
	other := P(new(C))
	*other = *c
	change(other.shared())
	return other
}

// With is a venue's client with another credential.
func With[P venueClient[C], C any](c P, credential simulator.Credential) P {
	return changed(c, func(c *Client) { c.Credential = credential })
}

// Skewed is a venue's client whose clock is ahead by the duration.
func Skewed[P venueClient[C], C any](c P, by time.Duration) P {
	return changed(c, func(c *Client) {
		now := c.Now
		c.Now = func() time.Time { return now().Add(by) }
	})
}

// From is a venue's client with its own connections, from a network address.
func From[P venueClient[C], C any](c P, address string) P {
	return changed(c, func(c *Client) {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		transport := &http.Transport{DialContext: dialer.DialContext}
		c.Cleanup(transport.CloseIdleConnections)
		c.HTTP = &http.Client{Transport: transport}
	})
}

// PublicPEM is a public key as the venues take it.
func PublicPEM(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// PrivatePEM is a private key as credentials hold it.
func PrivatePEM(t *testing.T, private any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
