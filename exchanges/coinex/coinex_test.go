package coinex_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/coinex"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/coinex"
)

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	order := func(market string) string {
		return `{"market":"BTCUSDT","market_type":"` + market + `","side":"buy","type":"limit","amount":"1","price":"1"}`
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: coinex.New(),
		Venue:    standin.Venue(),
		Accepted: accepted,
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{Method: http.MethodGet, Path: "/v2/assets/spot/balance"}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/v2/spot/order", order("SPOT"))},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("/v2/spot/order", order("MARGIN"))},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/v2/futures/order", order("FUTURES"))},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/v2/assets/transfer",
				`{"from_account_type":"SPOT","to_account_type":"FUTURES","ccy":"USDT","amount":"1"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/v2/assets/withdraw", `{"ccy":"USDT","to_address":"x","amount":"1"}`)},
		},
	})
}

// accepted reports whether an answer is a success: CoinEx says so in the body.
func accepted(status int, body []byte) bool {
	var answer struct {
		Code *int `json:"code"`
	}
	return status == http.StatusOK && json.Unmarshal(body, &answer) == nil && answer.Code != nil && *answer.Code == 0
}
