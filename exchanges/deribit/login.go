package deribit

import (
	"context"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// SignLogin implements [exchanges.LoginSigner].
func (a *account) SignLogin(ctx context.Context, request exchanges.LoginRequest) (exchanges.Login, error) {
	return a.Login(ctx, request, func(_ exchanges.Channel, _ string, at time.Time, _ time.Duration) (any, error) {
		login, err := a.signer.signedLogin(at)
		return newMessage(methodAuth, login), err
	})
}
