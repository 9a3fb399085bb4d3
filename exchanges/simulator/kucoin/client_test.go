package kucoin_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const keysPath = "/api/v1/sub/api-key"

// client signs requests as KuCoin's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "kucoin", root)}
}

type answer struct {
	venuetest.Reply
	Code string          `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// into decodes the data of a success.
func (a answer) into(data any) {
	a.T.Helper()
	require.Equal(a.T, "200000", a.Code, a.Msg)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
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
	plain, err := url.QueryUnescape(target)
	require.NoError(c, err)
	hash := func(text string) string {
		return base64.StdEncoding.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, text))
	}
	timestamp := c.Timestamp()
	return c.Request(method, target, body,
		"KC-API-KEY", c.APIKey,
		"KC-API-KEY-VERSION", "3",
		"KC-API-PASSPHRASE", hash(c.Passphrase),
		"KC-API-SIGN", hash(timestamp+method+plain+body),
		"KC-API-TIMESTAMP", timestamp,
		"Content-Type", "application/json")
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	answer.Decode(&answer)
	return answer
}

type apiKey struct {
	SubName, Remark, APIKey, APISecret, Passphrase, Permission string

	IPWhitelist *string
	APIVersion  int
	ExpiredAt   int64
	UID         int64
	IsMaster    bool
}

// mint creates a key in the first sub-account. The fields are added to subName
// and passphrase.
func (c *client) mint(fields string) (apiKey, simulator.Credential) {
	c.Helper()
	var key apiKey
	c.post(keysPath, c.order(fields)).into(&key)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.APISecret, Passphrase: key.Passphrase}
}

// order is the body of a create call.
func (c *client) order(fields string) string {
	return `{"subName":"` + c.SubAccounts[0] + `","passphrase":"MintedPass01",` + fields + `}`
}

// remove deletes a key of the first sub-account.
func (c *client) remove(apiKey, passphrase string) answer {
	c.Helper()
	query := url.Values{"subName": {c.SubAccounts[0]}, "apiKey": {apiKey}, "passphrase": {passphrase}}
	return c.do(c.signed(http.MethodDelete, keysPath+"?"+query.Encode(), ""))
}

// keys lists the keys of the first sub-account.
func (c *client) keys() []apiKey {
	c.Helper()
	var keys []apiKey
	c.get(keysPath + "?subName=" + c.SubAccounts[0]).into(&keys)
	return keys
}
