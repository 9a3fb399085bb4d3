package exchangetest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Vectors is testdata/<exchange>/vectors.json: signatures made by other software.
type Vectors struct {
	APIKey     string           `json:"api_key"`
	Secret     exchanges.Secret `json:"secret"`
	Passphrase exchanges.Secret `json:"passphrase"`
	Broker     string           `json:"broker"`
	SubAccount string           `json:"sub_account"`
	// Timestamp is RFC 3339, or a number of seconds or milliseconds.
	Timestamp  string   `json:"timestamp"`
	RecvWindow string   `json:"recv_window"`
	Vectors    []Vector `json:"vectors"`
}

// Vector is one signed request.
type Vector struct {
	Name string `json:"name"`
	// Variant is the one that the vector applies to; empty means all.
	Variant string `json:"variant"`
	// Environment is the one that the request is for; empty means the first.
	Environment string `json:"environment"`
	Method      string `json:"method"`
	Path        string `json:"path"`
	Query       string `json:"query"`
	Body        string `json:"body"`
	// PrivateKey, if there is one, signs in place of the secret.
	PrivateKey   exchanges.Secret `json:"private_key"`
	StringToSign string           `json:"string_to_sign"`
	Signature    string           `json:"signature"`
}

// ReadVectors reads the vectors of an exchange. It also returns the time at which
// the requests are signed.
func ReadVectors(t testing.TB, exchange string) (vectors Vectors, at time.Time) {
	readStrictly(t, testdata(exchange, "vectors.json"), &vectors)
	require.NotEmpty(t, vectors.Vectors)
	return vectors, vectors.at(t)
}

// Credential returns what signs the vector.
func (v Vectors) Credential(vector Vector) exchanges.Credential {
	c := exchanges.Credential{
		APIKey: v.APIKey, APISecret: v.Secret, Passphrase: v.Passphrase, Broker: v.Broker, SubAccount: v.SubAccount,
	}
	if vector.PrivateKey != "" {
		c.APISecret, c.PrivateKey = "", vector.PrivateKey
	}
	return c
}

// at is when the requests are signed.
func (v Vectors) at(t testing.TB) time.Time {
	if at, err := time.Parse(time.RFC3339, v.Timestamp); err == nil {
		return at
	}
	number, err := strconv.ParseInt(v.Timestamp, 10, 64)
	require.NoError(t, err)
	if len(v.Timestamp) > len("1700000000") {
		return time.UnixMilli(number)
	}
	return time.Unix(number, 0)
}

func (s *suite) testVectors(t *testing.T) {
	vectors, at := ReadVectors(t, s.description.Name)
	checked := 0
	for _, vector := range vectors.Vectors {
		if vector.Variant != "" && vector.Variant != s.variant.Name {
			continue
		}
		checked++
		t.Run(vector.Name, func(t *testing.T) {
			if s.Signature != nil {
				signature, err := s.Signature(vectors.Credential(vector), vector.StringToSign)
				require.NoError(t, err)
				assert.Equal(t, vector.Signature, signature)
				return
			}
			s.testVectorAsSent(t, vectors.Credential(vector), at, vector)
		})
	}
	assert.Positive(t, checked)
}

// testVectorAsSent has the request signed at the vector's time, which the
// exchange's clock shows, and looks for the signature in it.
func (s *suite) testVectorAsSent(t *testing.T, signer exchanges.Credential, at time.Time, vector Vector) {
	w := newWire(t)
	venue := s.startWith(t, simulator.Options{Now: func() time.Time { return at }})
	options := venue.options(t)
	options.Environment, options.Transport = vector.Environment, w
	synctest.Test(t, func(t *testing.T) {
		account := venue.open(t, signer, options)
		request, err := account.(exchanges.RequestSigner).SignRequest(t.Context(), exchanges.UserRequest{
			Method: vector.Method, Path: vector.Path, Query: vector.Query,
			Body: []byte(vector.Body), ContentType: contentType(vector.Body),
		})
		require.NoError(t, err)
		assert.Equal(t, vector.Method, request.Method)
		assert.Equal(t, vector.Path, request.URL.Path)
		assert.Contains(t, valuesOf(t, request), vector.Signature)
	})
}

func contentType(body string) string {
	switch {
	case body == "":
		return ""
	case strings.HasPrefix(body, "{"):
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

// valuesOf returns the values of a request's headers, query, and form or JSON. JSON
// values other than text are in their encoded form.
func valuesOf(t *testing.T, request *http.Request) []string {
	var values []string
	for _, header := range request.Header {
		values = append(values, header...)
	}
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	var tree any
	if json.Unmarshal(body, &tree) == nil {
		walk(tree, "", func(_ string, object map[string]any, name string) {
			text, isText := object[name].(string)
			if !isText {
				encoded, err := json.Marshal(object[name])
				require.NoError(t, err)
				text = string(encoded)
			}
			values = append(values, text)
		})
	}
	for _, encoded := range []string{request.URL.RawQuery, string(body)} {
		form, err := url.ParseQuery(encoded)
		if err != nil {
			continue
		}
		for _, value := range form {
			values = append(values, value...)
		}
	}
	return values
}
