package deribit

import (
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://docs.deribit.com/articles/authentication.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/ws/api/v2"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			if !loggedIn {
				return map[string]any{"jsonrpc": "2.0", "id": m["id"], "error": map[string]any{"code": 13009, "message": "unauthorized"}}
			}
			return map[string]any{"jsonrpc": "2.0", "id": m["id"], "result": map[string]any{}}
		},
	}
}

// logIn checks the signature of time, nonce and data.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	if m.Text("method") != "public/auth" {
		return nil
	}
	parameters := m.In("params")
	caller := c.Books.Key(parameters.Text("client_id"))
	sent, err := strconv.ParseInt(parameters.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > time.Minute || parameters.Text("grant_type") != "client_signature" {
		return nil
	}
	text := strings.Join([]string{parameters.Text("timestamp"), parameters.Text("nonce"), parameters.Text("data")}, "\n")
	if !e.verifies(caller, text, parameters.Text("signature")) {
		return nil
	}
	return caller
}
