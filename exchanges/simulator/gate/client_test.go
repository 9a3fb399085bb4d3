package gate_test

import (
	"crypto/sha512"
	"encoding/hex"
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

// client signs requests as Gate's documentation says.
type client struct{ venuetest.Client }

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{venuetest.NewClient(t, s, "gate", root)}
}

type answer struct {
	venuetest.Reply
	Label   string `json:"label"`
	Message string `json:"message"`
}

// into decodes the body of a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, 2, a.StatusCode/100, "%s: %s", a.Label, a.Message)
	a.Decode(result)
}

// call makes a signed request to a path below /api/v4.
func (c *client) call(method, target, body string) answer {
	c.Helper()
	return c.do(c.signed(method, target, body))
}

func (c *client) signed(method, target, body string) *http.Request {
	c.Helper()
	path, query, _ := strings.Cut("/api/v4"+target, "?")
	plain, err := url.QueryUnescape(query)
	require.NoError(c, err)
	timestamp := strconv.FormatInt(c.Now().Unix(), 10)
	hash := sha512.Sum512([]byte(body))
	signature := venuetest.MAC(sha512.New, c.APISecret, method+"\n"+path+"\n"+plain+"\n"+hex.EncodeToString(hash[:])+"\n"+timestamp)
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	return c.Request(method, "/api/v4"+target, body,
		"KEY", c.APIKey,
		"Timestamp", timestamp,
		"SIGN", hex.EncodeToString(signature),
		"Content-Type", contentType)
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.StatusCode/100 != 2 {
		answer.Decode(&answer)
	}
	return answer
}

type perm struct {
	Name     string `json:"name"`
	ReadOnly bool   `json:"read_only"`
}

type apiKey struct {
	Key, Secret, Name string
	State, Mode       int
	UserID            json.Number `json:"user_id"`
	Perms             []perm
	IPWhitelist       []string `json:"ip_whitelist"`
}

// keysPath is where the keys of the first sub-account are.
func (c *client) keysPath() string { return "/sub_accounts/" + c.SubAccounts[0] + "/keys" }

// mint creates a key in the first sub-account.
func (c *client) mint(body string) (apiKey, simulator.Credential) {
	c.Helper()
	var key apiKey
	c.call(http.MethodPost, c.keysPath(), body).into(&key)
	return key, simulator.Credential{APIKey: key.Key, APISecret: key.Secret}
}

// keys lists the keys of the first sub-account.
func (c *client) keys() []apiKey {
	c.Helper()
	var keys []apiKey
	c.call(http.MethodGet, c.keysPath(), "").into(&keys)
	return keys
}
