package gate

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges/simulator/venue"
)

// Stream follows https://www.gate.com/docs/developers/apiv4/ws/en/#login.
func (e *exchange) Stream() venue.Stream {
	return venue.Stream{
		Paths: []string{"/ws/v4/", "/v4/ws/usdt"}, LogIn: e.logIn,
		Answer: func(m venue.Message, loggedIn bool) any {
			status := "200"
			if !loggedIn {
				status = "401"
			}
			return map[string]any{"request_id": m.In("payload").Text("req_id"), "header": map[string]string{"status": status, "channel": m.Text("channel")}}
		},
	}
}

// logIn checks the signature of the channel, the parameters as they were sent, and the time.
func (e *exchange) logIn(c *venue.Call, m venue.Message) *venue.Key {
	channel := m.Text("channel")
	if channel != "spot.login" && channel != "futures.login" {
		return nil
	}
	payload := m.In("payload")
	parameters, err := json.Marshal(payload["req_param"])
	caller := c.Books.Key(payload.Text("api_key"))
	sent, wrong := strconv.ParseInt(payload.Text("timestamp"), 10, 64)
	if caller == nil || err != nil || wrong != nil || c.Now.Sub(time.Unix(sent, 0)).Abs() > time.Minute {
		return nil
	}
	signed := strings.Join([]string{"api", channel, string(parameters), payload.Text("timestamp")}, "\n")
	if !verifies(caller.Secret, signed, payload.Text("signature")) {
		return nil
	}
	return caller
}
