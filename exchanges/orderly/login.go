package orderly

import (
	"context"
	"strconv"
	"strings"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogin implements [exchanges.LoginSigner]. The account is part of the URL.
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	login, err := a.Login(ctx, request, a.signer.login)
	if login.URL != "" {
		login.URL += a.signer.account
	}
	return login, err
}

// standard turns base64 for URLs, in which requests are signed, into the standard one.
var standard = strings.NewReplacer("-", "+", "_", "/")

// login is the message that logs in: the signature is of the time alone
// (https://orderly.network/docs/build-on-omnichain/evm-api/websocket-api/introduction).
func (s *signer) login(_ exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
	key := s.key.Load()
	if key == nil {
		return nil, &exchanges.Error{Kind: exchanges.ErrUnsupported, Exchange: "orderly", Message: "a wallet's key logs in nowhere; use a key that was minted"}
	}
	type parameters struct {
		Key       string `json:"orderly_key"`
		Sign      string `json:"sign"`
		Timestamp string `json:"timestamp"`
	}
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	return struct {
		ID     string     `json:"id"`
		Event  string     `json:"event"`
		Params parameters `json:"params"`
	}{"auth", "auth", parameters{key.public, standard.Replace(key.sign(timestamp)), timestamp}}, nil
}
