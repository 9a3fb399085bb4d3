package simulator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
)

const kucoinKeys = "/api/v1/sub/api-key"

// kucoinClient signs requests as KuCoin's documentation says.
type kucoinClient struct{ client }

func newKuCoinClient(t *testing.T, s *simulator.Simulator, root string) *kucoinClient {
	t.Helper()
	return &kucoinClient{newClient(t, s, "kucoin", root)}
}

type kucoinAnswer struct {
	reply
	Code string          `json:"code"`
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
}

// into decodes the data of a success.
func (a kucoinAnswer) into(data any) {
	a.t.Helper()
	require.Equal(a.t, "200000", a.Code, a.Msg)
	require.NoError(a.t, json.Unmarshal(a.Data, data))
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
		return base64.StdEncoding.EncodeToString(mac(sha256.New, c.APISecret, text))
	}
	timestamp := c.timestamp()
	return c.request(method, target, body,
		"KC-API-KEY", c.APIKey,
		"KC-API-KEY-VERSION", "3",
		"KC-API-PASSPHRASE", hash(c.Passphrase),
		"KC-API-SIGN", hash(timestamp+method+plain+body),
		"KC-API-TIMESTAMP", timestamp,
		"Content-Type", "application/json")
}

func (c *kucoinClient) do(request *http.Request) kucoinAnswer {
	c.Helper()
	answer := kucoinAnswer{reply: c.send(request)}
	answer.decode(&answer)
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
