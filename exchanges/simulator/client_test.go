package simulator_test

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

// client is what the clients of all venues have in common. A venue's client
// embeds it and adds what the exchange's documentation says of signatures and of
// the envelope of answers, in code that neither the simulator nor the exchange's
// driver has a part in.
type client struct {
	*testing.T
	simulator.Access // its credential is the one that signs
	now              func() time.Time
	http             *http.Client
}

// newClient is a client with one of a venue's root keys.
func newClient(t *testing.T, s *simulator.Simulator, venue, root string) client {
	t.Helper()
	access, ok := s.Root(venue, root)
	require.True(t, ok)
	return client{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// timestamp is the client's time in milliseconds.
func (c *client) timestamp() string { return strconv.FormatInt(c.now().UnixMilli(), 10) }

// request is a request with the headers that the pairs name; those without value
// are left out.
func (c *client) request(method, target, body string, headers ...string) *http.Request {
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

// send sends a request and reads the whole answer.
func (c *client) send(request *http.Request) reply {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	return reply{t: c.T, status: response.StatusCode, header: response.Header, body: string(body)}
}

// signature is that of the private key, if there is one: Ed25519, or RSA with
// PKCS #1 v1.5 and SHA-256. Otherwise it is the secret's HMAC-SHA256.
func (c *client) signature(text string) []byte {
	c.Helper()
	if c.PrivateKey == "" {
		return mac(sha256.New, c.APISecret, text)
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

func mac(algorithm func() hash.Hash, secret, text string) []byte {
	m := hmac.New(algorithm, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// form collects pairs of names and values.
func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

// reply is a venue's answer as it came.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// decode reads the body into a venue's envelope or into a result.
func (r reply) decode(result any) {
	r.t.Helper()
	require.NoError(r.t, json.Unmarshal([]byte(r.body), result), r.body)
}

func (r reply) isJSON() bool {
	return strings.HasPrefix(r.header.Get("Content-Type"), "application/json")
}

// venueClient is the client of one venue, of type C.
type venueClient[C any] interface {
	*C
	shared() *client
}

func (c *client) shared() *client { return c }

// changed is a copy of a venue's client with a change to what all have in common.
func changed[P venueClient[C], C any](c P, change func(*client)) P {
	other := P(new(C))
	*other = *c
	change(other.shared())
	return other
}

// with is a venue's client with another credential.
func with[P venueClient[C], C any](c P, credential simulator.Credential) P {
	return changed(c, func(c *client) { c.Credential = credential })
}

// skewed is a venue's client with a clock that is ahead by so much.
func skewed[P venueClient[C], C any](c P, by time.Duration) P {
	return changed(c, func(c *client) {
		now := c.now
		c.now = func() time.Time { return now().Add(by) }
	})
}

// from is a venue's client with connections of its own from a network address.
func from[P venueClient[C], C any](c P, address string) P {
	return changed(c, func(c *client) {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		transport := &http.Transport{DialContext: dialer.DialContext}
		c.Cleanup(transport.CloseIdleConnections)
		c.http = &http.Client{Transport: transport}
	})
}

// PublicPEM is a public key as the venues take it.
func publicPEM(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// privatePEM is a private key as credentials hold it.
func privatePEM(t *testing.T, private any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
