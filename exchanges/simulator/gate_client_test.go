package simulator_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
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

// gateClient signs requests as Gate's documentation says, with one credential.
type gateClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
}

func newGateClient(t *testing.T, s *simulator.Simulator, root string) *gateClient {
	t.Helper()
	access, ok := s.Root("gate", root)
	require.True(t, ok)
	return &gateClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another credential.
func (c *gateClient) with(credential simulator.Credential) *gateClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *gateClient) from(address string) *gateClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type gateAnswer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte

	Label   string `json:"label"`
	Message string `json:"message"`
}

// into decodes the body of a success.
func (a gateAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, 2, a.status/100, "%s: %s", a.Label, a.Message)
	require.NoError(a.t, json.Unmarshal(a.body, result))
}

// call makes a signed request to a path below /api/v4.
func (c *gateClient) call(method, target, body string) gateAnswer {
	c.Helper()
	return c.do(c.signed(method, target, body))
}

func (c *gateClient) signed(method, target, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.BaseURL+"/api/v4"+target, strings.NewReader(body))
	require.NoError(c, err)
	path, query, _ := strings.Cut("/api/v4"+target, "?")
	plain, err := url.QueryUnescape(query)
	require.NoError(c, err)
	timestamp := strconv.FormatInt(c.now().Unix(), 10)
	hash := sha512.Sum512([]byte(body))
	mac := hmac.New(sha512.New, []byte(c.APISecret))
	mac.Write([]byte(method + "\n" + path + "\n" + plain + "\n" + hex.EncodeToString(hash[:]) + "\n" + timestamp))
	request.Header.Set("KEY", c.APIKey)
	request.Header.Set("Timestamp", timestamp)
	request.Header.Set("SIGN", hex.EncodeToString(mac.Sum(nil)))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

func (c *gateClient) do(request *http.Request) gateAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := gateAnswer{t: c.T, status: response.StatusCode, header: response.Header, body: body}
	if response.StatusCode/100 != 2 {
		require.NoError(c, json.Unmarshal(body, &answer))
	}
	return answer
}

type gatePerm struct {
	Name     string `json:"name"`
	ReadOnly bool   `json:"read_only"`
}

type gateKey struct {
	Key, Secret, Name string
	State, Mode       int
	UserID            json.Number `json:"user_id"`
	Perms             []gatePerm
	IPWhitelist       []string `json:"ip_whitelist"`
}

// keysPath is where the keys of the first sub-account are.
func (c *gateClient) keysPath() string { return "/sub_accounts/" + c.SubAccounts[0] + "/keys" }

// mint creates a key in the first sub-account.
func (c *gateClient) mint(body string) (gateKey, simulator.Credential) {
	c.Helper()
	var key gateKey
	c.call(http.MethodPost, c.keysPath(), body).into(&key)
	return key, simulator.Credential{APIKey: key.Key, APISecret: key.Secret}
}

// keys lists the keys of the first sub-account.
func (c *gateClient) keys() []gateKey {
	c.Helper()
	var keys []gateKey
	c.call(http.MethodGet, c.keysPath(), "").into(&keys)
	return keys
}
