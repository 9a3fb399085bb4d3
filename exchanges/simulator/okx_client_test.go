package simulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

const okxUsers = "/api/v5/users/subaccount/"

// okxClient signs requests as OKX's documentation says, with one credential.
type okxClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	demo bool
	http *http.Client
}

func newOKXClient(t *testing.T, s *simulator.Simulator, root string) *okxClient {
	t.Helper()
	access, ok := s.Root("okx", root)
	require.True(t, ok)
	return &okxClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another credential.
func (c *okxClient) with(credential simulator.Credential) *okxClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *okxClient) from(address string) *okxClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type okxAnswer struct {
	t      *testing.T
	status int
	body   string

	Code string            `json:"code"`
	Msg  string            `json:"msg"`
	Data []json.RawMessage `json:"data"`
}

// one decodes the single result of a success.
func (a okxAnswer) one(result any) {
	a.t.Helper()
	require.Equal(a.t, "0", a.Code, a.Msg)
	require.Len(a.t, a.Data, 1)
	require.NoError(a.t, json.Unmarshal(a.Data[0], result))
}

func (c *okxClient) get(target string) okxAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

func (c *okxClient) post(path, body string) okxAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, body))
}

func (c *okxClient) signed(method, target, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	timestamp := c.now().UTC().Format("2006-01-02T15:04:05.000Z")
	mac := hmac.New(sha256.New, []byte(c.APISecret))
	mac.Write([]byte(timestamp + method + target + body))
	request.Header.Set("OK-ACCESS-KEY", c.APIKey)
	request.Header.Set("OK-ACCESS-SIGN", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	request.Header.Set("OK-ACCESS-TIMESTAMP", timestamp)
	request.Header.Set("OK-ACCESS-PASSPHRASE", c.Passphrase)
	request.Header.Set("Content-Type", "application/json")
	if c.demo {
		request.Header.Set("x-simulated-trading", "1")
	}
	return request
}

func (c *okxClient) do(request *http.Request) okxAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := okxAnswer{t: c.T, status: response.StatusCode, body: string(body)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		require.NoError(c, json.Unmarshal(body, &answer))
	}
	return answer
}

type okxKey struct {
	SubAcct, Label, APIKey, SecretKey, Passphrase, Perm, IP, TS string
}

// mint creates a key in the first sub-account. The fields are those beside
// subAcct and passphrase.
func (c *okxClient) mint(fields string) (okxKey, simulator.Credential) {
	c.Helper()
	var key okxKey
	c.post(okxUsers+"apikey", `{"subAcct":"`+c.SubAccounts[0]+`","passphrase":"Minted#Pass01",`+fields+`}`).one(&key)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.SecretKey, Passphrase: "Minted#Pass01"}
}

// keys lists the keys of the first sub-account.
func (c *okxClient) keys() []okxKey {
	c.Helper()
	answer := c.get(okxUsers + "apikey?subAcct=" + c.SubAccounts[0])
	require.Equal(c, "0", answer.Code, answer.Msg)
	keys := make([]okxKey, len(answer.Data))
	for i, data := range answer.Data {
		require.NoError(c, json.Unmarshal(data, &keys[i]))
	}
	return keys
}
