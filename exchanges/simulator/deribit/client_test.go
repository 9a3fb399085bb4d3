package deribit_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// client calls methods as Deribit's documentation says.
type client struct {
	venuetest.Client
	token string // replaces signatures, if there is one
}

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{Client: venuetest.NewClient(t, s, "deribit", root)}
}

// bearing is the client with the token.
func (c *client) bearing(token string) *client {
	other := *c
	other.token = token
	return &other
}

// holding is the client with another key and no token.
func (c *client) holding(k apiKey) *client {
	return venuetest.With(c.bearing(""), simulator.Credential{APIKey: k.ClientID, APISecret: k.Secret})
}

// anonymous is the client without a credential.
func (c *client) anonymous() *client { return c.holding(apiKey{}) }

type answer struct {
	venuetest.Reply
	Result json.RawMessage `json:"result"`
	Error  struct {
		Code int               `json:"code"`
		Data map[string]string `json:"data"`
	} `json:"error"`
}

// into decodes a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, a.StatusCode, "%+v", a.Error)
	require.NoError(a.T, json.Unmarshal(a.Result, result))
}

func (a answer) ok() {
	a.T.Helper()
	a.into(new(any))
}

func (a answer) refused(code int) {
	a.T.Helper()
	require.Equal(a.T, code, a.Error.Code, "%s", a.Result)
	require.Nil(a.T, a.Result)
}

// call calls a method with its parameters as JSON.
func (c *client) call(method, params string) answer {
	c.Helper()
	return c.do(http.MethodPost, "/api/v2/"+method, `{"jsonrpc":"2.0","id":42,"method":"`+method+`","params":`+params+`}`)
}

// get calls a method by GET.
func (c *client) get(method, query string) answer {
	c.Helper()
	return c.do(http.MethodGet, "/api/v2/"+method+"?"+query, "")
}

func (c *client) do(verb, target, body string) answer {
	c.Helper()
	answer := answer{Reply: c.Send(c.Request(verb, target, body,
		"Authorization", c.authorization(verb, target, body), "Content-Type", "application/json"))}
	answer.Decode(&answer)
	return answer
}

func (c *client) authorization(verb, target, body string) string {
	switch {
	case c.token != "":
		return "Bearer " + c.token
	case c.APIKey == "":
		return ""
	}
	ts, nonce := c.Timestamp(), rand.Text()
	signature := venuetest.MAC(sha256.New, c.APISecret, ts+"\n"+nonce+"\n"+verb+"\n"+target+"\n"+body+"\n")
	return "deri-hmac-sha256 id=" + c.APIKey + ",ts=" + ts + ",sig=" + hex.EncodeToString(signature) + ",nonce=" + nonce
}

type token struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
	Scope   string `json:"scope"`
}

// login logs in with the client's secret.
func (c *client) login(scope string) token {
	c.Helper()
	var token token
	c.anonymous().call("public/auth", `{"grant_type":"client_credentials","client_id":"`+c.APIKey+`","client_secret":"`+c.APISecret+
		`","scope":"`+scope+`"}`).into(&token)
	return token
}

// exchanged is the client logged in to a sub-account, in separate sessions.
func (c *client) exchanged(subAccount, scope string) *client {
	c.Helper()
	var token token
	c.anonymous().call("public/exchange_token", `{"refresh_token":"`+c.login("session:"+rand.Text()).Refresh+`","subject_id":`+subAccount+
		`,"scope":"`+scope+` session:`+rand.Text()+`"}`).into(&token)
	return c.bearing(token.Access)
}

// minter is the client logged in to its first sub-account, with everything that
// it takes to mint.
func (c *client) minter() *client {
	c.Helper()
	return c.exchanged(c.SubAccounts[0], "account:read_write trade:read_write wallet:read_write")
}

type apiKey struct {
	ID       int      `json:"id"`
	ClientID string   `json:"client_id"`
	Secret   string   `json:"client_secret"`
	Name     string   `json:"name"`
	MaxScope string   `json:"max_scope"`
	IPs      []string `json:"ip_whitelist"`
}

func (c *client) create(params string) apiKey {
	c.Helper()
	var k apiKey
	c.call("private/create_api_key", params).into(&k)
	return k
}
