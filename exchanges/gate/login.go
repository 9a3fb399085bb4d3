package gate

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// The channels, each of an API of its own.
const (
	channelSpot    = "spot"
	channelFutures = "futures"
)

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, a.login)
}

// parameters of a login: none, written as they are signed.
const parameters = "{}"

// login is the message that logs in to the API of orders
// (https://www.gate.com/docs/developers/apiv4/ws/en/#login).
func (s signer) login(channel exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
	type payload struct {
		RequestID string          `json:"req_id"`
		Timestamp string          `json:"timestamp"`
		APIKey    string          `json:"api_key"`
		Signature string          `json:"signature"`
		Parameter json.RawMessage `json:"req_param"`
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	name := channel.Name + ".login"
	signature, err := s.signature(strings.Join([]string{"api", name, parameters, timestamp}, "\n"))
	return struct {
		ID      string  `json:"id"`
		Time    int64   `json:"time"`
		Channel string  `json:"channel"`
		Event   string  `json:"event"`
		Payload payload `json:"payload"`
	}{"login", at.Unix(), name, "api", payload{"login", timestamp, s.apiKey, signature, json.RawMessage(parameters)}}, err
}
