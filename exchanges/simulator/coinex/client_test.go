package coinex_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const subs = "/v2/account/subs"

// client signs requests as CoinEx's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "coinex", root)}
}

type answer struct {
	venuetest.Reply
	Code       int
	Message    string
	Data       json.RawMessage
	Pagination struct {
		Total   int
		HasNext bool `json:"has_next"`
	}
}

// into decodes the data of a success.
func (a answer) into(data any) {
	a.T.Helper()
	require.Zero(a.T, a.Code, a.Message)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
}

func (c *client) get(target string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

type fields map[string]any

func (c *client) post(path string, fields fields) answer {
	c.Helper()
	body, err := json.Marshal(fields)
	require.NoError(c, err)
	return c.do(c.signed(http.MethodPost, path, string(body)))
}

func (c *client) signed(method, target, body string) *http.Request {
	c.Helper()
	timestamp := c.Timestamp()
	return c.Request(method, target, body,
		"X-COINEX-KEY", c.APIKey,
		"X-COINEX-SIGN", hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, method+target+body+timestamp)),
		"X-COINEX-TIMESTAMP", timestamp,
		"Content-Type", "application/json")
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
	ID        int64    `json:"api_id"`
	AccessID  string   `json:"access_id"`
	SecretKey string   `json:"secret_key"`
	Remark    string   `json:"remark"`
	IPs       []string `json:"ip_whitelist"`
	Trade     bool     `json:"trade_enabled"`
	Withdraw  bool     `json:"withdraw_enabled"`
	CreatedAt int64    `json:"created_at"`
	ExpiresAt int64    `json:"expires_at"`
	IsExpired bool     `json:"is_expired"`
}

func (k apiKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.AccessID, APISecret: k.SecretKey}
}

// with is the client with a minted key.
func (c *client) with(k apiKey) *client { return venuetest.With(c, k.credential()) }

// sub is the first sub-account.
func (c *client) sub() string { return c.SubAccounts[0] }

// mint creates a key in the first sub-account.
func (c *client) mint(trade bool, addresses ...string) apiKey {
	c.Helper()
	var k apiKey
	c.post(subs+"/api", fields{
		"sub_user_name": c.sub(), "ip_whitelist": append([]string{}, addresses...), "trade_enabled": trade, "remark": "desk",
	}).into(&k)
	return k
}

// keys lists the keys of the first sub-account, up to a page of them.
func (c *client) keys() []apiKey {
	c.Helper()
	var keys []apiKey
	c.get(subs + "/api?limit=100&sub_user_name=" + c.sub()).into(&keys)
	return keys
}
