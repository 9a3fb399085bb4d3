package okx_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const users = "/api/v5/users/subaccount/"

// client signs requests as OKX's documentation says.
type client struct {
	venuetest.Client
	demo bool
}

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{Client: venuetest.NewClient(t, s, "okx", root)}
}

type answer struct {
	venuetest.Reply
	Code string            `json:"code"`
	Msg  string            `json:"msg"`
	Data []json.RawMessage `json:"data"`
}

// one decodes the single result of a success.
func (a answer) one(result any) {
	a.T.Helper()
	require.Equal(a.T, "0", a.Code, a.Msg)
	require.Len(a.T, a.Data, 1)
	require.NoError(a.T, json.Unmarshal(a.Data[0], result))
}

func (c *client) get(target string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

func (c *client) post(path, body string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, body))
}

func (c *client) signed(method, target, body string) *http.Request {
	c.Helper()
	timestamp := c.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	request := c.Request(method, target, body,
		"OK-ACCESS-KEY", c.APIKey,
		"OK-ACCESS-SIGN", base64.StdEncoding.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, timestamp+method+target+body)),
		"OK-ACCESS-TIMESTAMP", timestamp,
		"OK-ACCESS-PASSPHRASE", c.Passphrase,
		"Content-Type", "application/json")
	if c.demo {
		request.Header.Set("x-simulated-trading", "1")
	}
	return request
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

type apiKey struct {
	SubAcct, Label, APIKey, SecretKey, Passphrase, Perm, IP, TS string
}

// mint creates a key in the first sub-account. The fields are added to subAcct
// and passphrase.
func (c *client) mint(fields string) (apiKey, simulator.Credential) {
	c.Helper()
	var key apiKey
	c.post(users+"apikey", `{"subAcct":"`+c.SubAccounts[0]+`","passphrase":"Minted#Pass01",`+fields+`}`).one(&key)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.SecretKey, Passphrase: "Minted#Pass01"}
}

// keys lists the keys of the first sub-account.
func (c *client) keys() []apiKey {
	c.Helper()
	answer := c.get(users + "apikey?subAcct=" + c.SubAccounts[0])
	require.Equal(c, "0", answer.Code, answer.Msg)
	keys := make([]apiKey, len(answer.Data))
	for i, data := range answer.Data {
		require.NoError(c, json.Unmarshal(data, &keys[i]))
	}
	return keys
}
