package mexc_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// keysPath is where keys are created, listed and deleted.
const keysPath = "/api/v3/sub-account/apiKey"

// client signs requests as MEXC's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "mexc", root)}
}

type answer struct {
	venuetest.Reply
	Code int
}

// into decodes a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, a.StatusCode, a.Body)
	a.Decode(result)
}

// call sends a request with its parameters in the query.
func (c *client) call(method, path string, pairs ...string) answer {
	c.Helper()
	return c.do(c.signed(method, path, venuetest.Form(pairs...).Encode(), ""))
}

func (c *client) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+c.Timestamp(), "&")
	signature := hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, query+body))
	return c.Request(method, path+"?"+query+"&signature="+signature, body,
		"X-MEXC-APIKEY", c.APIKey, "Content-Type", "application/json")
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.StatusCode >= 400 && answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

type apiKey struct {
	SubAccount, Note, APIKey, SecretKey, Permissions, IP string
	CreatTime                                            int64
}

func (k apiKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.SecretKey}
}

// mint creates a key in the first sub-account.
func (c *client) mint(pairs ...string) apiKey {
	c.Helper()
	var k apiKey
	c.call(http.MethodPost, keysPath, append([]string{"subAccount", c.SubAccounts[0], "note", "desk"}, pairs...)...).into(&k)
	return k
}

// keys lists the keys of the first sub-account.
func (c *client) keys() []apiKey {
	c.Helper()
	var list struct{ SubAccount []apiKey }
	c.call(http.MethodGet, keysPath, "subAccount", c.SubAccounts[0]).into(&list)
	return list.SubAccount
}
