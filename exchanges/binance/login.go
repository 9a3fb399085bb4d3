package binance

import (
	"context"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// The channels, both of the WebSocket API.
const (
	channelAPI      = "api"
	channelUserData = "user_data"
)

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, a.login)
}

// login is the message that logs in a session, or subscribes to an account's events
// (https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/session-authentication).
// What is signed are the parameters, sorted by name.
func (s signer) login(channel exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
	type parameters struct {
		APIKey    string `json:"apiKey"`
		Timestamp int64  `json:"timestamp"`
		Signature string `json:"signature"`
	}
	method := "userDataStream.subscribe.signature"
	if channel.Name == channelAPI {
		method = "session.logon"
		if !s.ed25519 {
			return nil, &exchanges.Error{
				Kind: exchanges.ErrUnsupported, Exchange: "binance", Message: "channel: only an Ed25519 key logs in to a session; mint keys with key_type=ed25519",
			}
		}
	}
	signature, err := s.signature(rest.Query("apiKey", s.apiKey, "timestamp", strconv.FormatInt(at.UnixMilli(), 10)))
	return struct {
		ID     string     `json:"id"`
		Method string     `json:"method"`
		Params parameters `json:"params"`
	}{"login", method, parameters{s.apiKey, at.UnixMilli(), signature}}, err
}
