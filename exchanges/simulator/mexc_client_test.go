package simulator_test

import (
	"crypto/hmac"
	"crypto/sha256"
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

// mexcKeys is where keys are created, listed and deleted.
const mexcKeys = "/api/v3/sub-account/apiKey"

// mexcClient signs requests as MEXC's documentation says, with one credential.
type mexcClient struct {
	*testing.T
	simulator.Access
	now  func() time.Time
	http *http.Client
}

func newMEXCClient(t *testing.T, s *simulator.Simulator, root string) *mexcClient {
	t.Helper()
	access, ok := s.Root("mexc", root)
	require.True(t, ok)
	return &mexcClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with a minted key.
func (c *mexcClient) with(k mexcKey) *mexcClient {
	other := *c
	other.Credential = simulator.Credential{APIKey: k.APIKey, APISecret: k.SecretKey}
	return &other
}

// from is the client with another network address.
func (c *mexcClient) from(address string) *mexcClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type mexcAnswer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
	Code   int
}

// into decodes a success.
func (a mexcAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, string(a.body))
	require.NoError(a.t, json.Unmarshal(a.body, result))
}

// call sends a request with its parameters in the query.
func (c *mexcClient) call(method, path string, pairs ...string) mexcAnswer {
	c.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return c.do(c.signed(method, path, values.Encode(), ""))
}

func (c *mexcClient) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+strconv.FormatInt(c.now().UnixMilli(), 10), "&")
	mac := hmac.New(sha256.New, []byte(c.APISecret))
	mac.Write([]byte(query + body))
	request, err := http.NewRequestWithContext(c.Context(), method,
		c.BaseURL+path+"?"+query+"&signature="+hex.EncodeToString(mac.Sum(nil)), strings.NewReader(body))
	require.NoError(c, err)
	request.Header.Set("X-MEXC-APIKEY", c.APIKey)
	request.Header.Set("Content-Type", "application/json")
	return request
}

func (c *mexcClient) do(request *http.Request) mexcAnswer {
	c.Helper()
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := mexcAnswer{t: c.T, status: response.StatusCode, header: response.Header, body: body}
	if response.StatusCode >= 400 && response.Header.Get("Content-Type") == "application/json" {
		require.NoError(c, json.Unmarshal(body, &answer))
	}
	return answer
}

type mexcKey struct {
	SubAccount, Note, APIKey, SecretKey, Permissions, IP string
	CreatTime                                            int64
}

// mint creates a key in the first sub-account.
func (c *mexcClient) mint(pairs ...string) mexcKey {
	c.Helper()
	var k mexcKey
	c.call(http.MethodPost, mexcKeys, append([]string{"subAccount", c.SubAccounts[0], "note", "desk"}, pairs...)...).into(&k)
	return k
}

// keys lists the keys of the first sub-account.
func (c *mexcClient) keys() []mexcKey {
	c.Helper()
	var list struct{ SubAccount []mexcKey }
	c.call(http.MethodGet, mexcKeys, "subAccount", c.SubAccounts[0]).into(&list)
	return list.SubAccount
}
