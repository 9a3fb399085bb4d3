package mexc

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/mexc"
)

func TestConformance(t *testing.T) {
	post := func(path, query string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Query: query}
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: New(),
		Venue:    standin.Venue(),
		Signed: []exchanges.UserRequest{
			{Method: http.MethodPost, Path: "/api/v3/order", Body: []byte("symbol=BTCUSDT"), ContentType: "application/json"},
		},
		Probes: []exchangetest.Probe{
			{Name: "account", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{Method: http.MethodGet, Path: "/api/v3/account"}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/api/v3/order", "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1")},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/api/v1/private/order/submit", "symbol=BTC_USDT&vol=1")},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/api/v3/capital/transfer",
				"fromAccountType=SPOT&toAccountType=FUTURES&asset=USDT&amount=1")},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/api/v3/capital/withdraw", "coin=USDT&address=x&amount=1")},
		},
		Signature: func(credential exchanges.Credential, text string) (string, error) {
			s, err := newSigner(credential)
			if err != nil {
				return "", err
			}
			return s.signature(text)
		},
	})
}
