package simulator_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
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

// whitebitClient signs requests as WhiteBIT's documentation says, with one
// credential.
type whitebitClient struct {
	*testing.T
	simulator.Access
	now   func() time.Time
	http  *http.Client
	nonce *int64 // the one used last
}

func newWhiteBITClient(t *testing.T, s *simulator.Simulator, root string) *whitebitClient {
	t.Helper()
	access, ok := s.Root("whitebit", root)
	require.True(t, ok)
	return &whitebitClient{T: t, Access: access, now: time.Now, http: http.DefaultClient, nonce: new(int64)}
}

// with is the client with another credential.
func (c *whitebitClient) with(credential simulator.Credential) *whitebitClient {
	other := *c
	other.Credential = credential
	return &other
}

// from is the client with another network address.
func (c *whitebitClient) from(address string) *whitebitClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type whitebitAnswer struct {
	t      *testing.T
	status int
	body   []byte

	Code    int
	Message string
	Errors  map[string][]string
}

// into decodes the body of a success.
func (a whitebitAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, 2, a.status/100, "%s %v", a.Message, a.Errors)
	require.NoError(a.t, json.Unmarshal(a.body, result))
}

// call makes a signed request to a path below /api/v4/. The parameters are the
// inside of a JSON object.
func (c *whitebitClient) call(path, parameters string) whitebitAnswer {
	c.Helper()
	*c.nonce = max(*c.nonce+1, c.now().UnixMilli())
	body, err := json.Marshal(map[string]any{"request": "/api/v4/" + path, "nonce": *c.nonce, "nonceWindow": true})
	require.NoError(c, err)
	if parameters != "" {
		body = []byte(strings.TrimSuffix(string(body), "}") + "," + parameters + "}")
	}
	return c.do(c.signed(path, string(body)))
}

func (c *whitebitClient) signed(path, body string) *http.Request {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.BaseURL+"/api/v4/"+path, strings.NewReader(body))
	require.NoError(c, err)
	payload := base64.StdEncoding.EncodeToString([]byte(body))
	mac := hmac.New(sha512.New, []byte(c.APISecret))
	mac.Write([]byte(payload))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-TXC-APIKEY", c.APIKey)
	request.Header.Set("X-TXC-PAYLOAD", payload)
	request.Header.Set("X-TXC-SIGNATURE", hex.EncodeToString(mac.Sum(nil)))
	return request
}

func (c *whitebitClient) do(request *http.Request) whitebitAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := whitebitAnswer{t: c.T, status: response.StatusCode, body: body}
	if response.StatusCode/100 != 2 {
		require.NoError(c, json.Unmarshal(body, &answer))
	}
	return answer
}

type whitebitKey struct {
	ID, Title, APIKey, APISecret string
	SubAccountID                 string
	Type                         any
	IsEnabled, RestrictAccess    bool
	AccessEndpoints              []struct{ Name, Title string }
}

// may tells whether the key may use an endpoint.
func (k whitebitKey) may(path string) bool {
	for _, endpoint := range k.AccessEndpoints {
		if endpoint.Name == "/api/v4/"+path {
			return true
		}
	}
	return false
}

const whitebitKeys = "sub-account/api-key/"

// mint creates a key in the first sub-account.
func (c *whitebitClient) mint(title string) (whitebitKey, simulator.Credential) {
	c.Helper()
	var key whitebitKey
	answer := c.call(whitebitKeys+"create", `"type":1,"title":"`+title+`","subAccountId":"`+c.SubAccounts[0]+`"`)
	answer.into(&key)
	require.Equal(c, http.StatusCreated, answer.status)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.APISecret}
}

// keys lists the keys that the parameters ask for.
func (c *whitebitClient) keys(parameters string) []whitebitKey {
	c.Helper()
	var page struct {
		Limit, Offset int
		Data          []whitebitKey
	}
	c.call(whitebitKeys+"list", parameters).into(&page)
	return page.Data
}
