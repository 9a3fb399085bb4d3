package simulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

const kucoinKeys = "/api/v1/sub/api-key"

// kucoinClient signs requests as KuCoin's documentation says, with one
// credential.
type kucoinClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
}

func newKuCoinClient(t *testing.T, s *simulator.Simulator, root string) *kucoinClient {
	t.Helper()
	access, ok := s.Root("kucoin", root)
	require.True(t, ok)
	return &kucoinClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another credential.
func (c *kucoinClient) with(credential simulator.Credential) *kucoinClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *kucoinClient) from(address string) *kucoinClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type kucoinAnswer struct {
	t      *testing.T
	status int
	header http.Header

	Code string          `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// into decodes the data of a success.
func (a kucoinAnswer) into(data any) {
	a.t.Helper()
	require.Equal(a.t, "200000", a.Code, a.Msg)
	require.NoError(a.t, json.Unmarshal(a.Data, data))
}

func (c *kucoinClient) get(target string) kucoinAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

func (c *kucoinClient) post(path, body string) kucoinAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, body))
}

func (c *kucoinClient) hash(text string) string {
	mac := hmac.New(sha256.New, []byte(c.APISecret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (c *kucoinClient) signed(method, target, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	plain, err := url.QueryUnescape(target)
	require.NoError(c, err)
	timestamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	request.Header.Set("KC-API-KEY", c.APIKey)
	request.Header.Set("KC-API-KEY-VERSION", "3")
	request.Header.Set("KC-API-PASSPHRASE", c.hash(c.Passphrase))
	request.Header.Set("KC-API-SIGN", c.hash(timestamp+method+plain+body))
	request.Header.Set("KC-API-TIMESTAMP", timestamp)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func (c *kucoinClient) do(request *http.Request) kucoinAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := kucoinAnswer{t: c.T, status: response.StatusCode, header: response.Header}
	require.NoError(c, json.Unmarshal(body, &answer))
	return answer
}

type kucoinKey struct {
	SubName, Remark, APIKey, APISecret, Passphrase, Permission string

	IPWhitelist *string
	APIVersion  int
	ExpiredAt   int64
	UID         int64
	IsMaster    bool
}

// mint creates a key in the first sub-account. The fields are those beside
// subName and passphrase.
func (c *kucoinClient) mint(fields string) (kucoinKey, simulator.Credential) {
	c.Helper()
	var key kucoinKey
	c.post(kucoinKeys, c.order(fields)).into(&key)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.APISecret, Passphrase: key.Passphrase}
}

// order is the body of a create call.
func (c *kucoinClient) order(fields string) string {
	return `{"subName":"` + c.SubAccounts[0] + `","passphrase":"MintedPass01",` + fields + `}`
}

// remove deletes a key of the first sub-account.
func (c *kucoinClient) remove(apiKey, passphrase string) kucoinAnswer {
	c.Helper()
	query := url.Values{"subName": {c.SubAccounts[0]}, "apiKey": {apiKey}, "passphrase": {passphrase}}
	return c.do(c.signed(http.MethodDelete, kucoinKeys+"?"+query.Encode(), ""))
}

// keys lists the keys of the first sub-account.
func (c *kucoinClient) keys() []kucoinKey {
	c.Helper()
	var keys []kucoinKey
	c.get(kucoinKeys + "?subName=" + c.SubAccounts[0]).into(&keys)
	return keys
}
