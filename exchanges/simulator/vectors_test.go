package simulator

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

// vectorFile is testdata/<venue>/vectors.json: signatures computed outside of
// this project.
type vectorFile struct {
	APIKey     string   `json:"api_key"`
	Secret     string   `json:"secret"`
	Passphrase string   `json:"passphrase"`
	Timestamp  string   `json:"timestamp"`
	SubAccount string   `json:"sub_account"`
	Vectors    []vector `json:"vectors"`
}

// vector is one signed request.
type vector struct {
	Name         string `json:"name"`
	Environment  string `json:"environment"`
	Method       string `json:"method"`
	Path         string `json:"path"`
	Query        string `json:"query"`
	Body         string `json:"body"`
	PrivateKey   string `json:"private_key"` // signs in place of the secret
	StringToSign string `json:"string_to_sign"`
	Signature    string `json:"signature"`
	Timestamp    string `json:"-"` // that of the file
}

func readVectors(t testing.TB, venue string) vectorFile {
	data, err := os.ReadFile("../../testdata/" + venue + "/vectors.json")
	require.NoError(t, err)
	var file vectorFile
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Vectors)
	for i := range file.Vectors {
		file.Vectors[i].Timestamp = file.Timestamp
	}
	return file
}

// root is the key that signed a vector.
func (f vectorFile) root(t testing.TB, v vector) *venue.Key {
	k := &venue.Key{APIKey: f.APIKey, Secret: f.Secret, Passphrase: f.Passphrase, Account: &venue.Account{ID: "master"}, IPs: venue.Loopback()}
	if block, _ := pem.Decode([]byte(v.PrivateKey)); block != nil {
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		require.NoError(t, err)
		k.Secret, k.Public = "", private.(crypto.Signer).Public()
	}
	return k
}

// right are the signatures by the file's secret, by what they sign.
func (f vectorFile) right() map[string]string {
	right := make(map[string]string)
	for _, v := range f.Vectors {
		if v.PrivateKey == "" {
			right[v.StringToSign] = v.Signature
		}
	}
	return right
}

func (v vector) target() string { return strings.TrimSuffix(v.Path+"?"+v.Query, "?") }

// callTo is a vector as a call to a venue where one key is live, with the headers
// that the pairs name.
func (v vector) callTo(k *venue.Key, now time.Time, headers ...string) *venue.Call {
	target := v.target()
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

// signing is how requests to a venue are signed.
type signing struct {
	venue string
	rules func() venue.Rules
	// call is a vector as the request that a key signed.
	call func(*venue.Key, vector) *venue.Call
	// signed finds the text that a call's signature is of, and the signature.
	signed func(*venue.Call) (text, signature string)
	// field of a refusal has the reason, which for a wrong signature is
	// badSignature.
	field        string
	badSignature any
}

// testVectors checks that every vector is let in as its key, and that one that
// was tampered with is not.
func (s signing) testVectors(t *testing.T, tampered map[string]func(*vector)) {
	file := readVectors(t, s.venue)
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			k := file.root(t, v)
			s.requireAdmitted(t, s.call(k, v), v)
			for name, tamper := range tampered {
				changed := v
				tamper(&changed)
				s.requireRefused(t, s.call(k, changed), s.badSignature, name)
			}
		})
	}
}

// requireAdmitted checks that a vector's call is let in as the key in the books.
func (s signing) requireAdmitted(t *testing.T, c *venue.Call, v vector) {
	t.Helper()
	text, signature := s.signed(c)
	require.Equal(t, v.StringToSign, text)
	require.Equal(t, v.Signature, signature)
	caller, refusal := s.rules().Authenticate(c)
	require.Nil(t, refusal)
	require.Same(t, c.Books.Keys[0], caller)
}

func (s signing) requireRefused(t *testing.T, c *venue.Call, reason any, about string) {
	t.Helper()
	_, refusal := s.rules().Authenticate(c)
	s.requireReason(t, refusal, reason, about)
}

func (s signing) requireReason(t *testing.T, refusal *venue.Answer, reason any, about string) {
	t.Helper()
	require.NotNil(t, refusal, about)
	var body map[string]any
	require.NoError(t, json.Unmarshal(refusal.Body, &body))
	require.EqualValues(t, reason, body[s.field], about)
}

// fuzz checks that only the one right signature opens the door.
func (s signing) fuzz(f *testing.F) {
	file := readVectors(f, s.venue)
	for _, v := range file.Vectors {
		f.Add(v.Method, v.target(), v.Body, v.Timestamp, v.Signature)
	}
	f.Add("POST", "/", "{}", "now", "")
	k, right := file.root(f, vector{}), file.right()
	f.Fuzz(func(t *testing.T, method, target, body, timestamp, signature string) {
		path, query, _ := strings.Cut(target, "?")
		v := vector{Method: method, Path: path, Query: query, Body: body, Timestamp: timestamp, Signature: signature}
		s.requireSound(t, s.call(k, v), right)
	})
}

// requireSound checks that a call is refused or has a right signature.
func (s signing) requireSound(t *testing.T, c *venue.Call, right map[string]string) {
	caller, refusal := s.rules().Authenticate(c)
	if caller == nil {
		require.NotNil(t, refusal)
		return
	}
	text, signature := s.signed(c)
	require.Equal(t, right[text], signature)
}

// In other letters a signature is another one.
func inUpperCase(v *vector) { v.Signature = strings.ToUpper(v.Signature) }
func inLowerCase(v *vector) { v.Signature = strings.ToLower(v.Signature) }
