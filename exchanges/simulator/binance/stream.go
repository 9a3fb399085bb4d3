package binance

import (
	"crypto/ed25519"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows
// https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/session-authentication.
// The session of a deleted key ends at its next request.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/ws-api/v3"}, LogIn: e.logIn, EndsNext: true,
		Answer: func(m venue.Message, loggedIn bool) any {
			if !loggedIn {
				return map[string]any{"id": m.Text("id"), "status": 401, "error": map[string]any{"code": -2014, "msg": "API-key format invalid."}}
			}
			return map[string]any{"id": m.Text("id"), "status": 200, "result": map[string]any{}}
		},
	}
}

// logIn checks the signature of the parameters, sorted by name. Only an Ed25519 key opens
// a session; any key subscribes to the events of its account.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	method := m.Text("method")
	if method != "session.logon" && method != "userDataStream.subscribe.signature" {
		return nil
	}
	parameters := m.In("params")
	caller := c.Books.Key(parameters.Text("apiKey"))
	sent, err := strconv.ParseInt(parameters.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || c.Now.Sub(time.UnixMilli(sent)).Abs() > 5*time.Second {
		return nil
	}
	if _, ed := caller.PublicKey().(ed25519.PublicKey); method == "session.logon" && !ed {
		return nil
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name != "signature" {
			pairs = append(pairs, name+"="+parameters.Text(name))
		}
	}
	if !e.verifies(caller, strings.Join(pairs, "&"), parameters.Text("signature")) {
		return nil
	}
	return caller
}
