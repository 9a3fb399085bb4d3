package bybit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/bybit"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bybit"
)

func TestConformance(t *testing.T) {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	order := func(category string) exchanges.UserRequest {
		return post("/v5/order/create", `{"category":"`+category+`","symbol":"BTCUSDT","side":"Buy","orderType":"Market","qty":"1"}`)
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: bybit.New(),
		Venue:    standin.Venue(),
		Accepted: func(_ int, body []byte) bool {
			var answer struct {
				RetCode *int `json:"retCode"`
			}
			return json.Unmarshal(body, &answer) == nil && answer.RetCode != nil && *answer.RetCode == 0
		},
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
				Method: http.MethodGet, Path: "/v5/account/wallet-balance", Query: "accountType=UNIFIED",
			}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: order("spot")},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: order("linear")},
			{Name: "options order", Scope: exchanges.ScopeOptions, Request: order("option")},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/v5/asset/transfer/inter-transfer",
				`{"transferId":"42c0cfb0-6bca-c242-bc76-4e6df6cbab16","coin":"USDT","amount":"1","fromAccountType":"UNIFIED","toAccountType":"FUND"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/v5/asset/withdraw/create", `{"coin":"USDT","amount":"1"}`)},
		},
	})
}
