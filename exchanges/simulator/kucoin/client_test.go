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

const kucoinKeys = "/api/v1/sub/api-key"

// kucoinClient signs requests as KuCoin's documentation says.
type kucoinClient struct{ venuetest.Client }

func newKuCoinClient(t *testing.T, s *simulator.Simulator, root string) *kucoinClient {
	t.Helper()
	return &kucoinClient{venuetest.NewClient(t, s, "kucoin", root)}
}

type kucoinAnswer struct {
	venuetest.Reply
	Code string          `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// into decodes the data of a success.
func (a kucoinAnswer) into(data any) {
	a.T.Helper()
	require.Equal(a.T, "200000", a.Code, a.Msg)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
}

func (c *kucoinClient) get(target string) kucoinAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

func (c *kucoinClient) post(path, body string) kucoinAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, body))
}

func (c *kucoinClient) signed(method, target, body string) *http.Request {
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

func (c *kucoinClient) do(request *http.Request) kucoinAnswer {
	c.Helper()
	answer := kucoinAnswer{Reply: c.Send(request)}
	answer.Decode(&answer)
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
