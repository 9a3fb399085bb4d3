package binance

import (
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/binance"
)

func TestConformance(t *testing.T) {
	for variant, root := range map[string]string{variantMaster: "main", variantLink: "link"} {
		t.Run(variant, func(t *testing.T) {
			exchangetest.Run(t, exchangetest.Subject{
				Exchange: New(), Venue: standin.Venue(), Variant: variant, Root: root, Probes: probes(),
				Signature: func(credential exchanges.Credential, text string) (string, error) {
					s, err := newSigner(credential)
					if err != nil {
						return "", err
					}
					return s.signature(text)
				},
			})
		})
	}
}

func probes() []exchangetest.Probe {
	post := func(path, form string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(form), ContentType: formType}
	}
	const order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1"
	return []exchangetest.Probe{
		{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
			Method: http.MethodGet, Path: "/api/v3/account", Query: "omitZeroBalances=true",
		}},
		{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/api/v3/order", order)},
		{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("/sapi/v1/margin/order", order)},
		{Name: "borrow", Scope: exchanges.ScopeMargin, Request: post("/sapi/v1/margin/borrow-repay",
			"asset=USDT&symbol=BTCUSDT&isIsolated=FALSE&type=BORROW&amount=5")},
		{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/fapi/v1/order", order)},
		{Name: "option order", Scope: exchanges.ScopeOptions, Request: post("/eapi/v1/order", order)},
		{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/sapi/v1/asset/transfer",
			"asset=USDT&type=MAIN_UMFUTURE&amount=5")},
		{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/sapi/v1/capital/withdraw/apply",
			"coin=USDT&address=x&amount=5")},
	}
}
