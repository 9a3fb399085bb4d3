package bybit

import (
	"fmt"
	"strconv"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://bybit-exchange.github.io/docs/v5/ws/connect.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/v5/private", "/v5/trade"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			return map[string]any{"op": m.Text("op"), "success": loggedIn, "req_id": m.Text("req_id")}
		},
	}
}

// logIn checks the signature of the time until which the login is valid.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	if m.Text("op") != "auth" {
		return nil
	}
	args, _ := m["args"].([]any)
	if len(args) != 3 {
		return nil
	}
	apiKey, _ := args[0].(string)
	expires := fmt.Sprint(args[1])
	signature, _ := args[2].(string)
	until, err := strconv.ParseInt(expires, 10, 64)
	caller := c.Books.Key(apiKey)
	if caller == nil || err != nil || until <= c.Now.UnixMilli() || !e.verifies(caller, "GET/realtime"+expires, signature) {
		return nil
	}
	return caller
}
