package coinex

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://docs.coinex.com/api/v2/authorization.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/v2/spot", "/v2/futures"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			if !loggedIn {
				return map[string]any{"id": m.Text("id"), "code": 25, "message": "authentication required"}
			}
			return map[string]any{"id": m.Text("id"), "code": 0, "message": "OK"}
		},
	}
}

// logIn checks the signature of the time.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	if m.Text("method") != "server.sign" {
		return nil
	}
	parameters := m.In("params")
	caller := c.Books.Key(parameters.Text("access_id"))
	sent, err := strconv.ParseInt(parameters.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > 5*time.Second || !verifies(caller.Secret, parameters.Text("timestamp"), parameters.Text("signed_str")) {
		return nil
	}
	return caller
}
