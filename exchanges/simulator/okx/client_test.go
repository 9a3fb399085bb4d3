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

const okxUsers = "/api/v5/users/subaccount/"

// okxClient signs requests as OKX's documentation says.
type okxClient struct {
	venuetest.Client
	demo bool
}

func newOKXClient(t *testing.T, s *simulator.Simulator, root string) *okxClient {
	t.Helper()
	return &okxClient{Client: venuetest.NewClient(t, s, "okx", root)}
}

type okxAnswer struct {
	venuetest.Reply
	Code string            `json:"code"`
	Msg  string            `json:"msg"`
	Data []json.RawMessage `json:"data"`
}

// one decodes the single result of a success.
func (a okxAnswer) one(result any) {
	a.T.Helper()
	require.Equal(a.T, "0", a.Code, a.Msg)
	require.Len(a.T, a.Data, 1)
	require.NoError(a.T, json.Unmarshal(a.Data[0], result))
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

func (c *okxClient) do(request *http.Request) okxAnswer {
	c.Helper()
	answer := okxAnswer{Reply: c.Send(request)}
	if answer.IsJSON() {
		answer.Decode(&answer)
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
