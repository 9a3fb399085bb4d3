package bitfinex_test

import (
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/exchanges/simulator"
	"vault-plugin-secrets-exchange/exchanges/simulator/venue/venuetest"
)

// client signs requests as Bitfinex's documentation says, or sends a
// token.
type client struct {
	venuetest.Client
	token string
	nonce *atomic.Int64
}

func newClient(t *testing.T, s *simulator.Simulator, root string) *client {
	t.Helper()
	return &client{Client: venuetest.NewClient(t, s, "bitfinex", root), nonce: &atomic.Int64{}}
}

// with is the client with a token.
func (c *client) with(token string) *client {
	other := *c
	other.token = token
	return &other
}

// answer is an answer, with the code and the text of a refusal.
type answer struct {
	venuetest.Reply
	code int
	text string
}

// into decodes a success.
func (a answer) into(result any) {
	a.T.Helper()
	require.Equal(a.T, http.StatusOK, a.StatusCode, a.Body)
	a.Decode(result)
}

// call sends a request with the next nonce.
func (c *client) call(path, body string) answer {
	c.Helper()
	return c.do(c.signed(path, strconv.FormatInt(c.nonce.Add(1), 10), body))
}

func (c *client) signed(path, nonce, body string) *http.Request {
	c.Helper()
	headers := []string{"Content-Type", "application/json", "bfx-nonce", nonce, "bfx-token", c.token}
	if c.token == "" {
		signature := hex.EncodeToString(venuetest.MAC(sha512.New384, c.APISecret, "/api/v2/"+path+nonce+body))
		headers = append(headers, "bfx-apikey", c.APIKey, "bfx-signature", signature)
	}
	return c.Request(http.MethodPost, "/v2/"+path, body, headers...)
}

func (c *client) do(request *http.Request) answer {
	c.Helper()
	answer := answer{Reply: c.Send(request)}
	if answer.StatusCode != http.StatusOK && answer.IsJSON() {
		word := ""
		answer.Decode(&[]any{&word, &answer.code, &answer.text})
		require.Equal(c, "error", word)
	}
	return answer
}

// mint makes a token for ten minutes.
func (c *client) mint(write bool, caps ...string) string {
	c.Helper()
	words, err := json.Marshal(caps)
	require.NoError(c, err)
	var tokens []string
	c.call("auth/w/token", `{"scope":"api","ttl":600,"caps":`+string(words)+`,"writePermission":`+strconv.FormatBool(write)+`}`).into(&tokens)
	require.Len(c, tokens, 1)
	return tokens[0]
}

// rights asks what the client may do: 0 for nothing, 1 to read, 2 to write.
func (c *client) rights() map[string]int {
	c.Helper()
	var rows [][]any
	c.call("auth/r/permissions", "{}").into(&rows)
	rights := make(map[string]int)
	for _, row := range rows {
		rights[row[0].(string)] = int(row[1].(float64) + row[2].(float64))
	}
	return rights
}
