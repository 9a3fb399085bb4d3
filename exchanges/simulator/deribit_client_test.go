package simulator_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

// deribitClient calls methods as Deribit's documentation says, with one
// credential or one token.
type deribitClient struct {
	*testing.T
	simulator.Access
	now   func() time.Time
	token string // in place of signatures, if there is one
	http  *http.Client
}

func newDeribitClient(t *testing.T, s *simulator.Simulator, root string) *deribitClient {
	t.Helper()
	access, ok := s.Root("deribit", root)
	require.True(t, ok)
	return &deribitClient{T: t, Access: access, now: time.Now, http: http.DefaultClient}
}

// with is the client with another key.
func (c *deribitClient) with(k deribitKey) *deribitClient {
	other := *c
	other.APIKey, other.APISecret, other.token = k.ClientID, k.Secret, ""
	return &other
}

// bearing is the client with a token.
func (c *deribitClient) bearing(token string) *deribitClient {
	other := *c
	other.token = token
	return &other
}

// from is the client with another network address, or with another connection
// from the same.
func (c *deribitClient) from(address string) *deribitClient {
	other := *c
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	c.Cleanup(transport.CloseIdleConnections)
	other.http = &http.Client{Transport: transport}
	return &other
}

type deribitAnswer struct {
	t      *testing.T
	status int
	Result json.RawMessage `json:"result"`
	Error  struct {
		Code int               `json:"code"`
		Data map[string]string `json:"data"`
	} `json:"error"`
}

// into decodes a success.
func (a deribitAnswer) into(result any) {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, "%+v", a.Error)
	require.NoError(a.t, json.Unmarshal(a.Result, result))
}

func (a deribitAnswer) ok() {
	a.t.Helper()
	a.into(new(any))
}

func (a deribitAnswer) refused(code int) {
	a.t.Helper()
	require.Equal(a.t, code, a.Error.Code, "%s", a.Result)
	require.Nil(a.t, a.Result)
}

// call calls a method with its parameters as JSON.
func (c *deribitClient) call(method, params string) deribitAnswer {
	c.Helper()
	return c.send(http.MethodPost, "/api/v2/"+method, `{"jsonrpc":"2.0","id":42,"method":"`+method+`","params":`+params+`}`)
}

// get calls a method by GET.
func (c *deribitClient) get(method, query string) deribitAnswer {
	c.Helper()
	return c.send(http.MethodGet, "/api/v2/"+method+"?"+query, "")
}

func (c *deribitClient) send(verb, target, body string) deribitAnswer {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), verb, c.BaseURL+target, strings.NewReader(body))
	require.NoError(c, err)
	request.Header.Set("Content-Type", "application/json")
	switch {
	case c.token != "":
		request.Header.Set("Authorization", "Bearer "+c.token)
	case c.APIKey != "":
		ts, nonce := strconv.FormatInt(c.now().UnixMilli(), 10), rand.Text()
		mac := hmac.New(sha256.New, []byte(c.APISecret))
		mac.Write([]byte(ts + "\n" + nonce + "\n" + verb + "\n" + target + "\n" + body + "\n"))
		request.Header.Set("Authorization",
			"deri-hmac-sha256 id="+c.APIKey+",ts="+ts+",sig="+hex.EncodeToString(mac.Sum(nil))+",nonce="+nonce)
	}
	response, err := c.http.Do(request)
	require.NoError(c, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(c, err)
	answer := deribitAnswer{t: c.T, status: response.StatusCode}
	require.NoError(c, json.Unmarshal(text, &answer), "%s", text)
	return answer
}

type deribitToken struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
}

// login logs in with the client's secret.
func (c *deribitClient) login(scope string) deribitToken {
	c.Helper()
	var token deribitToken
	c.anonymous().call("public/auth", `{"grant_type":"client_credentials","client_id":"`+c.APIKey+`","client_secret":"`+c.APISecret+
		`","scope":"`+scope+`"}`).into(&token)
	return token
}

// anonymous is the client without credential.
func (c *deribitClient) anonymous() *deribitClient {
	other := *c
	other.APIKey, other.token = "", ""
	return &other
}

// exchanged is the client logged in to a sub-account, in sessions of its own.
func (c *deribitClient) exchanged(subAccount, scope string) *deribitClient {
	c.Helper()
	var token deribitToken
	c.anonymous().call("public/exchange_token", `{"refresh_token":"`+c.login("session:"+rand.Text()).Refresh+`","subject_id":`+subAccount+
		`,"scope":"`+scope+` session:`+rand.Text()+`"}`).into(&token)
	return c.bearing(token.Access)
}

// minter is the client logged in to its first sub-account with everything that
// minting takes.
func (c *deribitClient) minter() *deribitClient {
	c.Helper()
	return c.exchanged(c.SubAccounts[0], "account:read_write trade:read_write wallet:read_write")
}

type deribitKey struct {
	ID       int      `json:"id"`
	ClientID string   `json:"client_id"`
	Secret   string   `json:"client_secret"`
	Name     string   `json:"name"`
	MaxScope string   `json:"max_scope"`
	IPs      []string `json:"ip_whitelist"`
}

func (c *deribitClient) create(params string) deribitKey {
	c.Helper()
	var k deribitKey
	c.call("private/create_api_key", params).into(&k)
	return k
}
