package simulator_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// Paths of the two surfaces.
const (
	binanceSub  = "/sapi/v1/sub-account/"
	binanceKeys = binanceSub + "subAccountApi"
	brokerKeys  = "/sapi/v1/broker/subAccountApi"
)

// binanceClient signs requests as Binance's documentation says, with one
// credential.
type binanceClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
	key  ed25519.PrivateKey // signs in place of the secret, if there is one
}

func newBinanceClient(t *testing.T, s *simulator.Simulator, root string) *binanceClient {
	t.Helper()
	access, ok := s.Root("binance", root)
	require.True(t, ok)
	return &binanceClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with a minted key.
func (c *binanceClient) with(apiKey, secret string, private ed25519.PrivateKey) *binanceClient {
	other := *c
	other.APIKey, other.APISecret, other.key = apiKey, secret, private
	return &other
}

type binanceAnswer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
	Code   int
}

// into decodes a success.
func (a binanceAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, a.body)
	require.NoError(a.t, json.Unmarshal([]byte(a.body), result))
}

func (a binanceAnswer) refused(status, code int) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, a.body)
	require.Equal(a.t, code, a.Code, a.body)
}

// call sends a request with its parameters in the query, or, of a POST, in the
// body. An empty value leaves a parameter out.
func (c *binanceClient) call(method, path string, pairs ...string) binanceAnswer {
	c.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	query, body := "", values.Encode()
	if method != http.MethodPost {
		query, body = body, ""
	}
	return c.do(c.signed(method, path, query, body))
}

func (c *binanceClient) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+strconv.FormatInt(c.now().UnixMilli(), 10), "&")
	signature := c.sign(query + body)
	request, err := http.NewRequestWithContext(c.Context(), method,
		c.BaseURL+path+"?"+query+"&signature="+url.QueryEscape(signature), strings.NewReader(body))
	require.NoError(c, err)
	request.Header.Set("X-MBX-APIKEY", c.APIKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return request
}

func (c *binanceClient) sign(text string) string {
	if c.key != nil {
		return base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(text)))
	}
	mac := hmac.New(sha256.New, []byte(c.APISecret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func (c *binanceClient) do(request *http.Request) binanceAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := binanceAnswer{t: c.T, status: response.StatusCode, header: response.Header, body: string(body)}
	if response.StatusCode >= 400 && response.Header.Get("Content-Type") == "application/json" {
		require.NoError(c, json.Unmarshal(body, &answer))
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

func publicPEM(t *testing.T, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
