package venuetest

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// VectorFile is testdata/<venue>/vectors.json: signatures computed outside this
// project.
type VectorFile struct {
	APIKey     string   `json:"api_key"`
	Secret     string   `json:"secret"`
	Passphrase string   `json:"passphrase"`
	Timestamp  string   `json:"timestamp"`
	SubAccount string   `json:"sub_account"`
	Vectors    []Vector `json:"vectors"`
}

// Vector is one signed request.
type Vector struct {
	Name         string `json:"name"`
	Environment  string `json:"environment"`
	Method       string `json:"method"`
	Path         string `json:"path"`
	Query        string `json:"query"`
	Body         string `json:"body"`
	PrivateKey   string `json:"private_key"` // signs in place of the secret
	StringToSign string `json:"string_to_sign"`
	Signature    string `json:"signature"`
	Timestamp    string `json:"-"` // the file's
}

// ReadVectors reads a venue's vectors, from the folder of its package.
func ReadVectors(t testing.TB, exchange string) VectorFile {
	data, err := os.ReadFile("../../../testdata/" + exchange + "/vectors.json")
	require.NoError(t, err)
	var file VectorFile
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Vectors)
	for i := range file.Vectors {
		file.Vectors[i].Timestamp = file.Timestamp
	}
	return file
}

// Root is the key that signed a vector.
func (f VectorFile) Root(t testing.TB, v Vector) *venue.Key {
	k := &venue.Key{APIKey: f.APIKey, Secret: f.Secret, Passphrase: f.Passphrase, Account: &venue.Account{ID: "master"}, IPs: venue.Loopback()}
	if block, _ := pem.Decode([]byte(v.PrivateKey)); block != nil {
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		require.NoError(t, err)
		k.Secret, k.Public = "", private.(crypto.Signer).Public()
	}
	return k
}

// Right maps what is signed to the right signature, made with the file's
// secret.
func (f VectorFile) Right() map[string]string {
	right := make(map[string]string)
	for _, v := range f.Vectors {
		if v.PrivateKey == "" {
			right[v.StringToSign] = v.Signature
		}
	}
	return right
}

// Target is the path and query, as in a request line.
func (v Vector) Target() string { return strings.TrimSuffix(v.Path+"?"+v.Query, "?") }

// CallTo is a vector as a call to a venue that has one live key, with the
// headers that the pairs name.
func (v Vector) CallTo(k *venue.Key, now time.Time, headers ...string) *venue.Call {
	target := v.Target()
	path, query, _ := strings.Cut(target, "?")
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	return &venue.Call{
		Request: &http.Request{Method: v.Method, RequestURI: target, URL: &url.URL{Path: path, RawQuery: query}, Header: header},
		Body:    []byte(v.Body),
		Caller:  netip.MustParseAddr("127.0.0.1"),
		Now:     now,
		Books:   &venue.Books{Keys: []*venue.Key{k}},
	}
}

// Signing describes how requests to a venue are signed.
type Signing struct {
	Venue venue.Listing
	// Call is a vector as the request that a key signed.
	Call func(*venue.Key, Vector) *venue.Call
	// Signed finds the text that a call's signature covers, and the signature.
	Signed func(*venue.Call) (text, signature string)
	// Field is where a refusal states its reason; for a wrong signature the
	// reason is BadSignature.
	Field        string
	BadSignature any
}

// TestVectors checks that every vector is admitted as its key, and that a
// vector that was tampered with is not.
func (s Signing) TestVectors(t *testing.T, tampered map[string]func(*Vector)) {
	file := ReadVectors(t, s.Venue.Name)
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			k := file.Root(t, v)
			s.RequireAdmitted(t, s.Call(k, v), v)
			for name, tamper := range tampered {
				altered := v
				tamper(&altered)
				s.RequireRefused(t, s.Call(k, altered), s.BadSignature, name)
			}
		})
	}
}

// RequireAdmitted checks that a vector's call is admitted as the key in the
// books.
func (s Signing) RequireAdmitted(t *testing.T, c *venue.Call, v Vector) {
	t.Helper()
	text, signature := s.Signed(c)
	require.Equal(t, v.StringToSign, text)
	require.Equal(t, v.Signature, signature)
	caller, refusal := s.Venue.New().Authenticate(c)
	require.Nil(t, refusal)
	require.Same(t, c.Books.Keys[0], caller)
}

// RequireRefused checks that a call is refused, and the reason.
func (s Signing) RequireRefused(t *testing.T, c *venue.Call, reason any, about string) {
	t.Helper()
	_, refusal := s.Venue.New().Authenticate(c)
	s.RequireReason(t, refusal, reason, about)
}

// RequireReason checks the reason that a refusal gives.
func (s Signing) RequireReason(t *testing.T, refusal *venue.Answer, reason any, about string) {
	t.Helper()
	require.NotNil(t, refusal, about)
	var body map[string]any
	require.NoError(t, json.Unmarshal(refusal.Body, &body))
	require.EqualValues(t, reason, body[s.Field], about)
}

// Fuzz checks that only the correct signature is accepted.
func (s Signing) Fuzz(f *testing.F) {
	file := ReadVectors(f, s.Venue.Name)
	for _, v := range file.Vectors {
		f.Add(v.Method, v.Target(), v.Body, v.Timestamp, v.Signature)
	}
	f.Add("POST", "/", "{}", "now", "")
	k, right := file.Root(f, Vector{}), file.Right()
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		path, query, _ := strings.Cut(target, "?")
		v := Vector{Method: method, Path: path, Query: query, Body: body, Timestamp: timestamp, Signature: signature}
		s.RequireSound(t, s.Call(k, v), right)
	})
}

// RequireSound checks that a call is refused or has a correct signature.
func (s Signing) RequireSound(t *testing.T, c *venue.Call, right map[string]string) {
	caller, refusal := s.Venue.New().Authenticate(c)
	if caller == nil {
		require.NotNil(t, refusal)
		return
	}
	text, signature := s.Signed(c)
	require.Equal(t, right[text], signature)
}

// InUpperCase writes the signature in upper case, which makes it a different
// one.
func InUpperCase(v *Vector) { v.Signature = strings.ToUpper(v.Signature) }

// InLowerCase writes the signature in lower case, which makes it a different
// one.
func InLowerCase(v *Vector) { v.Signature = strings.ToLower(v.Signature) }
