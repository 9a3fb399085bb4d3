package whitebit_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// client signs requests as WhiteBIT's documentation says.
type client struct {
	venuetest.Client
	nonce *int64 // the last one used
}

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "whitebit", root), new(int64)}
}

type answer struct {
	venuetest.Reply
	Code    int
	Message string
	Errors  map[string][]string
}

// into decodes the body of a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, 2, a.StatusCode/100, "%s %v", a.Message, a.Errors)
	a.Decode(result)
}

// call makes a signed request to a path below /api/v4/. The parameters are the
// members of a JSON object, without its braces.
func (c *client) call(path, parameters string) answer {
	c.Helper()
	*c.nonce = max(*c.nonce+1, c.Now().UnixMilli())
	body, err := json.Marshal(map[string]any{"request": "/api/v4/" + path, "nonce": *c.nonce, "nonceWindow": true})
	require.NoError(c, err)
	if parameters != "" {
		body = []byte(strings.TrimSuffix(string(body), "}") + "," + parameters + "}")
	}
	return c.do(c.signed(path, string(body)))
}

func (c *client) signed(path, body string) *http.Request {
	c.Helper()
	payload := base64.StdEncoding.EncodeToString([]byte(body))
	return c.Request(http.MethodPost, "/api/v4/"+path, body,
		"X-TXC-APIKEY", c.APIKey,
		"X-TXC-PAYLOAD", payload,
		"X-TXC-SIGNATURE", hex.EncodeToString(venuetest.MAC(sha512.New, c.APISecret, payload)),
		"Content-Type", "application/json")
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.StatusCode/100 != 2 {
		answer.Decode(&answer)
	}
	return answer
}

type apiKey struct {
	ID, Title, APIKey, APISecret string
	SubAccountID                 string
	Type                         any
	IsEnabled, RestrictAccess    bool
	AccessEndpoints              []struct{ Name, Title string }
}

// may reports whether the key may use an endpoint.
func (k apiKey) may(path string) bool {
	for _, endpoint := range k.AccessEndpoints {
		if endpoint.Name == "/api/v4/"+path {
			return true
		}
	}
	return false
}

const keysPath = "sub-account/api-key/"

// mint creates a key in the first sub-account.
func (c *client) mint(title string) (apiKey, simulator.Credential) {
	c.Helper()
	var key apiKey
	answer := c.call(keysPath+"create", `"type":1,"title":"`+title+`","subAccountId":"`+c.SubAccounts[0]+`"`)
	answer.into(&key)
	require.Equal(c, http.StatusCreated, answer.StatusCode)
	return key, simulator.Credential{APIKey: key.APIKey, APISecret: key.APISecret}
}

// keys lists the keys that the parameters ask for.
func (c *client) keys(parameters string) []apiKey {
	c.Helper()
	var page struct {
		Limit, Offset int
		Data          []apiKey
	}
	c.call(keysPath+"list", parameters).into(&page)
	return page.Data
}
