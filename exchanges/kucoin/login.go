package kucoin

import (
	"context"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogin implements [exchanges.LoginSigner]: a login is a request.
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, nil)
}
