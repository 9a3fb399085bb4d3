package bitfinex

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitfinex"
)

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	order := func(kind, symbol string) exchanges.UserRequest {
		return post("/v2/auth/w/order/submit", `{"type":"`+kind+`","symbol":"`+symbol+`","amount":"0.1","price":"10000"}`)
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange:   New(),
		Venue:      standin.Venue(),
		Clockless:  true,
		OneAccount: true,
		Probes: []exchangetest.Probe{
			// What can be read differs from token to token, except for this.
			{Name: "permissions", Scope: exchanges.ScopeRead, Request: post(pathPermissions, "{}")},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: order("EXCHANGE LIMIT", "tBTCUSD")},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: order("LIMIT", "tBTCUSD")},
			{Name: "perpetuals order", Scope: exchanges.ScopeFutures, Request: order("LIMIT", "tBTCF0:USTF0")},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/v2/auth/w/transfer",
				`{"from":"exchange","to":"margin","currency":"UST","amount":"1"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/v2/auth/w/withdraw",
				`{"wallet":"exchange","method":"tetheruse","amount":"1","address":"x"}`)},
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
