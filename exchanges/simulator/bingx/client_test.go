package bingx_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// Paths of BingX's API, below /openApi/.
const (
	createPath = "subAccount/v1/apiKey/create"
	deletePath = "subAccount/v1/apiKey/del"
	queryPath  = "account/v1/apiKey/query"
	listPath   = "subAccount/v1/list"
	rightsPath = "v1/account/apiPermissions"
	uidPath    = "account/v1/uid"
)

// client signs requests as BingX's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "bingx", root)}
}

// content are the parameters of a request with a JSON body.
type content map[string]any

type answer struct {
	venuetest.Reply
	Code      int
	Msg       string
	Timestamp int64
	Data      json.RawMessage
}

// into decodes the payload of a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Zero(a.T, a.Code, a.Msg)
	require.NoError(a.T, json.Unmarshal(a.Data, result))
}

func (c *client) sign(text string) string { return hex.EncodeToString(c.Signature(text)) }

// query makes a request with its parameters in the query, in the order given.
func (c *client) query(method, path string, pairs ...string) answer {
	c.Helper()
	values := venuetest.Form(append(pairs, "timestamp", c.Timestamp())...)
	var signed []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		signed = append(signed, name+"="+values.Get(name))
	}
	return c.do(method, path, values.Encode()+"&signature="+c.sign(strings.Join(signed, "&")), "")
}

func (c *client) get(path string, pairs ...string) answer {
	c.Helper()
	return c.query(http.MethodGet, path, pairs...)
}

// post makes a request with its parameters in a JSON body.
func (c *client) post(path string, fields content) answer {
	c.Helper()
	return c.do(http.MethodPost, path, "", c.signedBody(fields))
}

func (c *client) signedBody(fields content) string {
	c.Helper()
	all := maps.Clone(fields)
	if all == nil {
		all = content{}
	}
	all["timestamp"] = c.Now().UnixMilli()
	var signed []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		text, isText := all[name].(string)
		if !isText {
			encoded, err := json.Marshal(all[name])
			require.NoError(c, err)
			text = string(encoded)
		}
		signed = append(signed, name+"="+text)
	}
	all["signature"] = c.sign(strings.Join(signed, "&"))
	body, err := json.Marshal(all)
	require.NoError(c, err)
	return string(body)
}

// do sends a request that is signed already.
func (c *client) do(method, path, query, body string) answer {
	c.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	answer := answer{Reply: c.Send(c.Request(method, strings.TrimSuffix("/openApi/"+path+"?"+query, "?"), body,
		"X-BX-APIKEY", c.APIKey, "Content-Type", contentType))}
	require.Equal(c, http.StatusOK, answer.StatusCode)
	answer.Decode(&answer)
	return answer
}

type apiKey struct {
	APIKey, APISecret, SecretKey, Note string
	Permissions                        []int
	IPAddresses                        []string
	CreateTime                         int64
}

func (k apiKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.APISecret + k.SecretKey}
}

// sub is the first sub-account as a number.
func (c *client) sub() int64 {
	c.Helper()
	number, err := strconv.ParseInt(c.SubAccounts[0], 10, 64)
	require.NoError(c, err)
	return number
}

// mint creates a key in the first sub-account.
func (c *client) mint(permissions []int, addresses ...string) apiKey {
	c.Helper()
	fields := content{"subUid": c.sub(), "note": "desk", "permissions": permissions}
	if addresses != nil {
		fields["ipAddresses"] = addresses
	}
	var k apiKey
	c.post(createPath, fields).into(&k)
	return k
}

// keys lists the keys of the first sub-account, or the one that is named.
func (c *client) keys(named ...string) []apiKey {
	c.Helper()
	pairs := []string{"uid", c.SubAccounts[0]}
	if named != nil {
		pairs = append(pairs, "apiKey", named[0])
	}
	var list struct{ APIInfos, APIKeyList []apiKey }
	c.get(queryPath, pairs...).into(&list)
	return append(list.APIInfos, list.APIKeyList...)
}
