package bybit

import (
	"context"
	"strconv"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, a.login)
}

// login is the message that logs in, until the time that it names
// (https://bybit-exchange.github.io/docs/v5/ws/connect).
func (s signer) login(_ exchanges.Channel, _ string, at time.Time, validity time.Duration) (any, error) {
	expires := strconv.FormatInt(at.Add(validity).UnixMilli(), 10)
	signature, err := s.signature("GET/realtime" + expires)
	return struct {
		Op   string   `json:"op"`
		Args []string `json:"args"`
	}{"auth", []string{s.apiKey, expires, signature}}, err
}
