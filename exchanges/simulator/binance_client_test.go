package simulator_test

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
)

// Paths of the two surfaces.
const (
	binanceSub  = "/sapi/v1/sub-account/"
	binanceKeys = binanceSub + "subAccountApi"
	brokerKeys  = "/sapi/v1/broker/subAccountApi"
)

// binanceClient signs requests as Binance's documentation says.
type binanceClient struct{ client }

func newBinanceClient(t *testing.T, s *simulator.Simulator, root string) *binanceClient {
	t.Helper()
	return &binanceClient{newClient(t, s, "binance", root)}
}

type binanceAnswer struct {
	reply
	Code int
}

// into decodes a success.
func (a binanceAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, a.body)
	a.decode(result)
}

func (a binanceAnswer) refused(status, code int) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, code, a.Code, a.body)
}

// call sends a request with its parameters in the query, or, of a POST, in the
// body.
func (c *binanceClient) call(method, path string, pairs ...string) binanceAnswer {
	c.Helper()
	query, body := "", form(pairs...).Encode()
	if method != http.MethodPost {
		query, body = body, ""
	}
	return c.do(c.signed(method, path, query, body))
}

func (c *binanceClient) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+c.timestamp(), "&")
	contentType := ""
	if body != "" {
		contentType = "application/x-www-form-urlencoded"
	}
	return c.request(method, path+"?"+query+"&signature="+url.QueryEscape(c.sign(query+body)), body,
		"X-MBX-APIKEY", c.APIKey, "Content-Type", contentType)
}

func (c *binanceClient) sign(text string) string {
	c.Helper()
	if c.PrivateKey != "" {
		return base64.StdEncoding.EncodeToString(c.signature(text))
	}
	return hex.EncodeToString(mac(sha256.New, c.APISecret, text))
}

func (c *binanceClient) do(request *http.Request) binanceAnswer {
	c.Helper()
	answer := binanceAnswer{reply: c.send(request)}
	if answer.status >= 400 && answer.isJSON() {
		answer.decode(&answer)
	}
	return answer
}

type binanceKey struct {
	APIName, APIKey, SecretKey string
	Status                     any
	IPList                     []string
	CanTrade, CanFuturesTrade  bool
	CanUniversalTransfer       bool
}

// mint creates a key in the first sub-account of a plain master.
func (c *binanceClient) mint(pairs ...string) binanceKey {
	c.Helper()
	var k binanceKey
	c.call(http.MethodPost, binanceKeys, append([]string{"email", c.SubAccounts[0], "apiName", "desk"}, pairs...)...).into(&k)
	return k
}

func (k binanceKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.SecretKey}
}
