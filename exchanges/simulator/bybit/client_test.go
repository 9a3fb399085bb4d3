package bybit_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// client signs requests as Bybit's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "bybit", root)}
}

type answer struct {
	venuetest.Reply
	RetCode int             `json:"retCode"`
	RetMsg  string          `json:"retMsg"`
	Result  json.RawMessage `json:"result"`
	Time    int64           `json:"time"`
}

// into decodes the result of a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, 0, a.RetCode, a.RetMsg)
	require.NoError(a.T, json.Unmarshal(a.Result, result))
}

func (c *client) get(path, query string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, path, query, ""))
}

func (c *client) post(path, body string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, "", body))
}

func (c *client) signed(method, path, query, body string) *http.Request {
	c.Helper()
	timestamp := c.Timestamp()
	request := c.Request(method, path, body,
		"X-BAPI-API-KEY", c.APIKey,
		"X-BAPI-TIMESTAMP", timestamp,
		"X-BAPI-RECV-WINDOW", "5000",
		"X-BAPI-SIGN", c.sign(timestamp+c.APIKey+"5000"+query+body))
	request.URL.RawQuery = query
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	return request
}

func (c *client) sign(text string) string {
	c.Helper()
	if c.PrivateKey != "" {
		return base64.StdEncoding.EncodeToString(c.Signature(text))
	}
	return hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, text))
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

// mint creates a read-write key and returns its credential. The fields are
// added to subuid and readOnly.
func (c *client) mint(subAccount, fields string) simulator.Credential {
	c.Helper()
	var key apiKey
	c.post("/v5/user/create-sub-api", `{"subuid":`+subAccount+`,"readOnly":0,`+fields+`}`).into(&key)
	require.NotEmpty(c, key.Secret)
	return simulator.Credential{APIKey: key.APIKey, APISecret: key.Secret}
}

type apiKey struct {
	ID          string              `json:"id"`
	Note        string              `json:"note"`
	APIKey      string              `json:"apiKey"`
	ReadOnly    any                 `json:"readOnly"` // a number, but a boolean in lists
	Secret      string              `json:"secret"`
	Permissions map[string][]string `json:"permissions"`
	IPs         []string            `json:"ips"`
	Status      int                 `json:"status"`
	ExpiredAt   string              `json:"expiredAt"`
	DeadlineDay int                 `json:"deadlineDay"`
	IsMaster    bool                `json:"isMaster"`
	ParentUID   string              `json:"parentUid"`
	UserID      int                 `json:"userID"`
	RSAKey      string              `json:"rsaPublicKey"`
}

// granted are the groups that hold anything.
func (k apiKey) granted() map[string][]string {
	granted := make(map[string][]string)
	for group, values := range k.Permissions {
		if len(values) > 0 {
			granted[group] = values
		}
	}
	return granted
}
