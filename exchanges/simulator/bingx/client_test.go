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
	bingxCreate = "subAccount/v1/apiKey/create"
	bingxDelete = "subAccount/v1/apiKey/del"
	bingxQuery  = "account/v1/apiKey/query"
	bingxList   = "subAccount/v1/list"
	bingxRights = "v1/account/apiPermissions"
	bingxUID    = "account/v1/uid"
)

// bingxClient signs requests as BingX's documentation says.
type bingxClient struct{ venuetest.Client }

func newBingXClient(t *testing.T, s *simulator.Simulator, root string) *bingxClient {
	t.Helper()
	return &bingxClient{venuetest.NewClient(t, s, "bingx", root)}
}

// bingxFields are the parameters of a request with a JSON body.
type bingxFields map[string]any

type bingxAnswer struct {
	venuetest.Reply
	Code      int
	Msg       string
	Timestamp int64
	Data      json.RawMessage
}

// into decodes the payload of a success.
func (a bingxAnswer) into(result any) {
	a.T.Helper()
	require.Zero(a.T, a.Code, a.Msg)
	require.NoError(a.T, json.Unmarshal(a.Data, result))
}

func (c *bingxClient) sign(text string) string { return hex.EncodeToString(c.Signature(text)) }

// query makes a request with its parameters in the query, in their order.
func (c *bingxClient) query(method, path string, pairs ...string) bingxAnswer {
	c.Helper()
	values := venuetest.Form(append(pairs, "timestamp", c.Timestamp())...)
	var signed []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		signed = append(signed, name+"="+values.Get(name))
	}
	return c.do(method, path, values.Encode()+"&signature="+c.sign(strings.Join(signed, "&")), "")
}

func (c *bingxClient) get(path string, pairs ...string) bingxAnswer {
	c.Helper()
	return c.query(http.MethodGet, path, pairs...)
}

// post makes a request with its parameters in a JSON body.
func (c *bingxClient) post(path string, fields bingxFields) bingxAnswer {
	c.Helper()
	return c.do(http.MethodPost, path, "", c.signedBody(fields))
}

func (c *bingxClient) signedBody(fields bingxFields) string {
	c.Helper()
	all := maps.Clone(fields)
	if all == nil {
		all = bingxFields{}
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

// do sends what is signed already.
func (c *bingxClient) do(method, path, query, body string) bingxAnswer {
	c.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	answer := bingxAnswer{Reply: c.Send(c.Request(method, strings.TrimSuffix("/openApi/"+path+"?"+query, "?"), body,
		"X-BX-APIKEY", c.APIKey, "Content-Type", contentType))}
	require.Equal(c, http.StatusOK, answer.StatusCode)
	answer.Decode(&answer)
	return answer
}

type bingxKey struct {
	APIKey, APISecret, SecretKey, Note string
	Permissions                        []int
	IPAddresses                        []string
	CreateTime                         int64
}

func (k bingxKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.APISecret + k.SecretKey}
}

// sub is the first sub-account as a number.
func (c *bingxClient) sub() int64 {
	c.Helper()
	number, err := strconv.ParseInt(c.SubAccounts[0], 10, 64)
	require.NoError(c, err)
	return number
}

// mint creates a key in the first sub-account.
func (c *bingxClient) mint(permissions []int, addresses ...string) bingxKey {
	c.Helper()
	fields := bingxFields{"subUid": c.sub(), "note": "desk", "permissions": permissions}
	if addresses != nil {
		fields["ipAddresses"] = addresses
	}
	var k bingxKey
	c.post(bingxCreate, fields).into(&k)
	return k
}

// keys lists the keys of the first sub-account, or the one that is named.
func (c *bingxClient) keys(named ...string) []bingxKey {
	c.Helper()
	pairs := []string{"uid", c.SubAccounts[0]}
	if named != nil {
		pairs = append(pairs, "apiKey", named[0])
	}
	var list struct{ APIInfos, APIKeyList []bingxKey }
	c.get(bingxQuery, pairs...).into(&list)
	return append(list.APIInfos, list.APIKeyList...)
}
