package bitget_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// client signs requests as Bitget's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "bitget", root)}
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
	require.Equal(a.T, "00000", a.Code, a.Msg)
	require.Equal(a.T, http.StatusOK, a.StatusCode)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
}

func (c *client) get(target string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, target, ""))
}

// post sends the fields as a JSON object.
func (c *client) post(path string, fields map[string]any) answer {
	c.Helper()
	body, err := json.Marshal(fields)
	require.NoError(c, err)
	return c.do(c.signed(http.MethodPost, path, string(body)))
}

func (c *client) signed(method, target, body string) *http.Request {
	c.Helper()
	timestamp := c.Timestamp()
	return c.Request(method, target, body,
		"ACCESS-KEY", c.APIKey,
		"ACCESS-SIGN", base64.StdEncoding.EncodeToString(c.Signature(timestamp+method+target+body)),
		"ACCESS-TIMESTAMP", timestamp,
		"ACCESS-PASSPHRASE", c.Passphrase,
		"Content-Type", "application/json")
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	answer.Decode(&answer)
	return answer
}

// The requests that create keys, by kind of account.
const (
	unifiedCreate = "/api/v3/user/create-sub-api"
	classicCreate = "/api/v2/user/create-virtual-subaccount-apikey"
	classicEdit   = "/api/v2/user/modify-virtual-subaccount-apikey"
	brokerCreate  = "/api/v2/broker/manage/create-subaccount-apikey"
)

type apiKey struct {
	APIKey, SubAccountAPIKey string
	Secret, SecretKey        string
	Note, Label              string
	Type, PermType           string
	Permissions, PermList    []string
	IPs, IPList              []string
}

// fields are those of a valid request that creates a read-only key in the first
// sub-account, some of them replaced; nil removes one.
func (c *client) fields(path string, more map[string]any) map[string]any {
	fields := map[string]any{"passphrase": "Minted0001"}
	switch path {
	case unifiedCreate:
		fields["subUid"], fields["note"], fields["type"] = c.SubAccounts[0], "lease1", "read_only"
		fields["permissions"], fields["ips"] = []string{"uta_trade"}, []string{"127.0.0.1"}
	case classicCreate:
		fields["subAccountUid"], fields["label"] = c.SubAccounts[0], "lease1"
		fields["permList"], fields["ipList"] = []string{"read"}, []string{"127.0.0.1"}
	case brokerCreate:
		fields["subUid"], fields["label"], fields["permType"] = c.SubAccounts[0], "lease1", "readonly"
		fields["permList"], fields["ipList"] = []string{"spot_trade"}, []string{"127.0.0.1"}
	}
	for name, value := range more {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	return fields
}

// mint creates a key.
func (c *client) mint(path string, more map[string]any) (apiKey, simulator.Credential) {
	c.Helper()
	var key apiKey
	c.post(path, c.fields(path, more)).into(&key)
	return key, simulator.Credential{
		APIKey: key.APIKey + key.SubAccountAPIKey, APISecret: key.Secret + key.SecretKey, Passphrase: "Minted0001",
	}
}
