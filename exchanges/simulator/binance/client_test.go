package binance_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// Paths of the two surfaces.
const (
	subPath    = "/sapi/v1/sub-account/"
	keysPath   = subPath + "subAccountApi"
	brokerKeys = "/sapi/v1/broker/subAccountApi"
)

// client signs requests as Binance's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "binance", root)}
}

type answer struct {
	venuetest.Reply
	Code int
}

// into decodes a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, a.StatusCode, a.Body)
	a.Decode(result)
}

func (a answer) refused(status, code int) {
	a.T.Helper()
	require.Equal(a.T, status, a.StatusCode, a.Body)
	require.Equal(a.T, code, a.Code, a.Body)
}

// call sends a request with its parameters in the query, or in the body if it
// is a POST.
func (c *client) call(method, path string, pairs ...string) answer {
	c.Helper()
	query, body := "", venuetest.Form(pairs...).Encode()
	if method != http.MethodPost {
		query, body = body, ""
	}
	return c.do(c.signed(method, path, query, body))
}

func (c *client) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+c.Timestamp(), "&")
	contentType := ""
	if body != "" {
		contentType = "application/x-www-form-urlencoded"
	}
	return c.Request(method, path+"?"+query+"&signature="+url.QueryEscape(c.sign(query+body)), body,
		"X-MBX-APIKEY", c.APIKey, "Content-Type", contentType)
}

func (c *client) sign(text string) string {
	c.Helper()
	if c.PrivateKey != "" {
		return base64.StdEncoding.EncodeToString(c.Signature(text))
	}
	return hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, text))
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.StatusCode >= 400 && answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

type apiKey struct {
	APIName, APIKey, SecretKey string
	Status                     any
	IPList                     []string
	CanTrade, CanFuturesTrade  bool
	CanUniversalTransfer       bool
}

// mint creates a key in the first sub-account of a plain master.
func (c *client) mint(pairs ...string) apiKey {
	c.Helper()
	var k apiKey
	c.call(http.MethodPost, keysPath, append([]string{"email", c.SubAccounts[0], "apiName", "desk"}, pairs...)...).into(&k)
	return k
}

func (k apiKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.SecretKey}
}
