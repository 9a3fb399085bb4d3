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

// mexcKeys is where keys are created, listed and deleted.
const mexcKeys = "/api/v3/sub-account/apiKey"

// mexcClient signs requests as MEXC's documentation says.
type mexcClient struct{ venuetest.Client }

func newMEXCClient(t *testing.T, s *simulator.Simulator, root string) *mexcClient {
	t.Helper()
	return &mexcClient{venuetest.NewClient(t, s, "mexc", root)}
}

type mexcAnswer struct {
	venuetest.Reply
	Code int
}

// into decodes a success.
func (a mexcAnswer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, a.StatusCode, a.Body)
	a.Decode(result)
}

// call sends a request with its parameters in the query.
func (c *mexcClient) call(method, path string, pairs ...string) mexcAnswer {
	c.Helper()
	return c.do(c.signed(method, path, venuetest.Form(pairs...).Encode(), ""))
}

func (c *mexcClient) signed(method, path, query, body string) *http.Request {
	c.Helper()
	query = strings.TrimPrefix(query+"&timestamp="+c.Timestamp(), "&")
	signature := hex.EncodeToString(venuetest.MAC(sha256.New, c.APISecret, query+body))
	return c.Request(method, path+"?"+query+"&signature="+signature, body,
		"X-MEXC-APIKEY", c.APIKey, "Content-Type", "application/json")
}

func (c *mexcClient) do(request *http.Request) mexcAnswer {
	c.Helper()
	answer := mexcAnswer{Reply: c.Send(request)}
	if answer.StatusCode >= 400 && answer.IsJSON() {
		answer.Decode(&answer)
	}
	return answer
}

type mexcKey struct {
	SubAccount, Note, APIKey, SecretKey, Permissions, IP string
	CreatTime                                            int64
}

func (k mexcKey) credential() simulator.Credential {
	return simulator.Credential{APIKey: k.APIKey, APISecret: k.SecretKey}
}

// mint creates a key in the first sub-account.
func (c *mexcClient) mint(pairs ...string) mexcKey {
	c.Helper()
	var k mexcKey
	c.call(http.MethodPost, mexcKeys, append([]string{"subAccount", c.SubAccounts[0], "note", "desk"}, pairs...)...).into(&k)
	return k
}

// keys lists the keys of the first sub-account.
func (c *mexcClient) keys() []mexcKey {
	c.Helper()
	var list struct{ SubAccount []mexcKey }
	c.call(http.MethodGet, mexcKeys, "subAccount", c.SubAccounts[0]).into(&list)
	return list.SubAccount
}
