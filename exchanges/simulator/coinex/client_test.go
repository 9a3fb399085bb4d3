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

const coinexSubs = "/v2/account/subs"

// coinexClient signs requests as CoinEx's documentation says.
type coinexClient struct{ venuetest.Client }

func newCoinExClient(t *testing.T, s *simulator.Simulator, root string) *coinexClient {
	t.Helper()
	return &coinexClient{venuetest.NewClient(t, s, "coinex", root)}
}

type coinexAnswer struct {
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
func (a coinexAnswer) into(data any) {
	a.T.Helper()
	require.Zero(a.T, a.Code, a.Message)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
}

func (c *coinexClient) get(target string) coinexAnswer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

type coinexFields map[string]any

func (c *coinexClient) post(path string, fields coinexFields) coinexAnswer {
	c.Helper()
	body, err := json.Marshal(fields)
	require.NoError(c, err)
	return c.do(c.signed(http.MethodPost, path, string(body)))
}

func (c *coinexClient) signed(method, target, body string) *http.Request {
	c.Helper()
	timestamp := c.Timestamp()
	return c.Request(method, target, body,
		"X-COINEX-KEY", c.APIKey,
		"X-COINEX-SIGN", hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, method+target+body+timestamp)),
		"X-COINEX-TIMESTAMP", timestamp,
		"Content-Type", "application/json")
}

func (c *coinexClient) do(request *http.Request) coinexAnswer {
	c.Helper()
	answer := coinexAnswer{Reply: c.Send(request)}
	if answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

type coinexKey struct {
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

func (k coinexKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.AccessID, APISecret: k.SecretKey}
}

// with is the client with a minted key.
func (c *coinexClient) with(k coinexKey) *coinexClient { return venuetest.With(c, k.credential()) }

// sub is the first sub-account.
func (c *coinexClient) sub() string { return c.SubAccounts[0] }

// mint creates a key in the first sub-account.
func (c *coinexClient) mint(trade bool, addresses ...string) coinexKey {
	c.Helper()
	var k coinexKey
	c.post(coinexSubs+"/api", coinexFields{
		"sub_user_name": c.sub(), "ip_whitelist": append([]string{}, addresses...), "trade_enabled": trade, "remark": "desk",
	}).into(&k)
	return k
}

// keys lists the keys of the first sub-account, as many as fit on a page.
func (c *coinexClient) keys() []coinexKey {
	c.Helper()
	var keys []coinexKey
	c.get(coinexSubs + "/api?limit=100&sub_user_name=" + c.sub()).into(&keys)
	return keys
}
