package coinex

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

// login is the message that logs in: the signature is of the time alone
// (https://docs.coinex.com/api/v2/authorization).
func (s signer) login(_ exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
	type parameters struct {
		AccessID  string `json:"access_id"`
		Signature string `json:"signed_str"`
		Timestamp int64  `json:"timestamp"`
	}
	signature, err := s.signature(strconv.FormatInt(at.UnixMilli(), 10))
	return struct {
		ID     int        `json:"id"`
		Method string     `json:"method"`
		Params parameters `json:"params"`
	}{1, "server.sign", parameters{s.apiKey, signature, at.UnixMilli()}}, err
}
