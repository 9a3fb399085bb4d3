package whitebit

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/whitebit"
)

// post is a request by the user of a minted key. Signing adds what WhiteBIT needs
// besides the parameters.
func post(path, body string) exchanges.UserRequest {
	return exchanges.UserRequest{Method: http.MethodPost, Path: prefix + path, Body: []byte(body), ContentType: "application/json"}
}

func TestConformance(t *testing.T) { exchangetest.Run(t, subject()) }

func subject() exchangetest.Subject {
	return exchangetest.Subject{
		Exchange: New(),
		Venue:    standin.Venue(),
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: post("trade-account/balance", `{"ticker":"USDT"}`)},
			{Name: "balances", Scope: exchanges.ScopeRead, Request: post("trade-account/balance", "")},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("order/new",
				`{"market":"BTC_USDT","side":"buy","amount":"1","price":"1"}`)},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("order/collateral/limit",
				`{"market":"BTC_USDT","side":"buy","amount":"1","price":"1"}`)},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("order/collateral/limit",
				`{"market":"BTC_PERP","side":"sell","amount":"1","price":"1"}`)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("main-account/transfer",
				`{"ticker":"USDT","amount":"1","from":"main","to":"spot"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("main-account/withdraw",
				`{"ticker":"USDT","amount":"1","address":"x","uniqueId":"1"}`)},
		},
		// The vectors have the fields in an order of their own, and their nonce
		// as other clients write it.
		Signature: func(c exchanges.Credential, text string) (string, error) {
			s, err := newSigner(c)
			if err != nil {
				return "", err
			}
			return s.signature(text)
		},
	}
}
