package bitget

import (
	"context"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// The channels: an account in unified mode has version 3 of the API, others version 2.
const (
	channelPrivate = "private"
	channelUnified = "unified"
)

// loginRequest is signed for a login, and is no request of the REST API.
const loginRequest = "GET /user/verify"

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, a.login)
}

// login is the message that logs in
// (https://www.bitget.com/api-doc/common/websocket-intro).
func (s signer) login(_ exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
	type argument struct {
		APIKey     string `json:"apiKey"`
		Passphrase string `json:"passphrase"`
		Timestamp  string `json:"timestamp"`
		Sign       string `json:"sign"`
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signature, err := s.signature(timestamp + strings.ReplaceAll(loginRequest, " ", ""))
	return struct {
		Op   string     `json:"op"`
		Args []argument `json:"args"`
	}{"login", []argument{{s.apiKey, s.passphrase.Reveal(), timestamp, signature}}}, err
}
