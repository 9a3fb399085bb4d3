package bitget

import (
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://www.bitget.com/api-doc/common/websocket-intro.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/v2/ws/private", "/v3/ws/private"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			if !loggedIn {
				return map[string]any{"event": "error", "code": "60011", "msg": "Please log in"}
			}
			return map[string]any{"event": m.Text("op"), "code": "0", "msg": ""}
		},
	}
}

// logIn checks a login, which must be of the last 30 seconds.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	if m.Text("op") != "login" {
		return nil
	}
	args := m.In("args")
	caller := c.Books.Key(args.Text("apiKey"))
	sent, err := strconv.ParseInt(args.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || c.Now.Sub(time.Unix(sent, 0)).Abs() > 30*time.Second || args.Text("passphrase") != caller.Passphrase {
		return nil
	}
	if signed := args.Text("timestamp") + "GET/user/verify"; !verifies(caller, signed, args.Text("sign")) {
		return nil
	}
	return caller
}
