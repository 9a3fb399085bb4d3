package htx_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

const keys = "/v2/sub-user/api-key-"

// client signs requests as HTX's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "htx", root)}
}

// answer is an answer of either version.
type answer struct {
	venuetest.Reply
	Code    int             `json:"code"`
	Status  string          `json:"status"`
	ErrCode string          `json:"err-code"`
	ErrMsg  string          `json:"err-msg"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
	NextID  int64           `json:"nextId"`
}

// outcome is "ok", or the code of the refusal and what distinguishes it from
// others with that code.
func (a answer) outcome() string {
	switch {
	case a.Code == 200 || a.Status == "ok":
		return "ok"
	case a.Code != 0:
		return strconv.Itoa(a.Code)
	}
	return a.ErrCode
}

func (a answer) into(data any) {
	a.T.Helper()
	require.Equal(a.T, "ok", a.outcome(), a.Message+a.ErrMsg)
	require.NoError(a.T, json.Unmarshal(a.Data, data))
}

func (c *client) get(path string, pairs ...string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodGet, path, "", pairs...))
}

func (c *client) post(path, body string) answer {
	c.Helper()
	return c.do(c.signed(http.MethodPost, path, body))
}

func (c *client) signed(method, path, body string, pairs ...string) *http.Request {
	c.Helper()
	algorithm := "HmacSHA256"
	if c.PrivateKey != "" {
		algorithm = "Ed25519"
	}
	values := venuetest.Form(append(pairs, "AccessKeyId", c.APIKey, "SignatureMethod", algorithm, "SignatureVersion", "2",
		"Timestamp", c.Now().UTC().Format("2006-01-02T15:04:05"))...)
	query := strings.ReplaceAll(values.Encode(), "+", "%20")
	signature := c.Signature(method + "\n" + strings.TrimPrefix(c.BaseURL, "http://") + "\n" + path + "\n" + query)
	return c.Request(method, path+"?"+query+"&Signature="+url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), body,
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
	AccessKey, SecretKey, Note, Permission, IPAddresses, Status string
	ValidDays                                                   int
	CreateTime                                                  int64
}

func (k apiKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.AccessKey, APISecret: k.SecretKey}
}

// create asks for a key in the first sub-user. The fields are added to subUid.
func (c *client) create(fields string) answer {
	c.Helper()
	return c.post(keys+"generation", `{"subUid":`+c.SubAccounts[0]+`,`+fields+`}`)
}

func (c *client) mint(fields string) (key apiKey) {
	c.Helper()
	c.create(fields).into(&key)
	return key
}

// keys lists the keys of the first sub-user.
func (c *client) keys() (keys []apiKey) {
	c.Helper()
	c.get("/v2/user/api-key", "uid", c.SubAccounts[0]).into(&keys)
	return keys
}
