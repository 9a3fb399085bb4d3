package orderly

import (
	"crypto/ed25519"
	"encoding/base64"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://orderly.network/docs/build-on-omnichain/evm-api/websocket-api/introduction.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/v2/ws/private/stream/{account}"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			return map[string]any{"id": m.Text("id"), "event": m.Text("event"), "success": loggedIn}
		},
	}
}

// logIn checks the signature of the time, by a key of the account in the URL.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	if m.Text("event") != "auth" {
		return nil
	}
	parameters := m.In("params")
	caller := c.Books.Key(parameters.Text("orderly_key"))
	sent, err := strconv.ParseInt(parameters.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > 5*time.Minute || c.PathValue("account") != caller.Account.ID {
		return nil
	}
	public, _ := caller.PublicKey().(ed25519.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(parameters.Text("sign"))
	if err != nil || len(public) == 0 || !ed25519.Verify(public, []byte(parameters.Text("timestamp")), signature) {
		return nil
	}
	return caller
}
