package bingx

import (
	"encoding/json"
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bingx"
)

// The suite runs against an account whose keys are listed masked, and against one
// that shows them whole and uses the field names of BingX's other document.
func TestConformance(t *testing.T) {
	for _, root := range []string{"main", "whole"} {
		t.Run(root, func(t *testing.T) { exchangetest.Run(t, subject(root)) })
	}
}

func subject(root string) exchangetest.Subject {
	get := func(path string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodGet, Path: path}
	}
	post := func(path, query string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Query: query}
	}
	const spotOrder = "symbol=BTC-USDT&side=BUY&type=MARKET&quantity=1"
	spot := post("/openApi/spot/v1/trade/order", spotOrder)
	return exchangetest.Subject{
		Exchange: New(),
		Venue:    standin.Venue(),
		Root:     root,
		Signed: []exchanges.UserRequest{
			{Method: http.MethodPost, Path: "/openApi/subAccount/v1/apiKey/edit", Body: []byte(`{"symbol":"BTC-USDT"}`), ContentType: "application/json"},
		},
		Probes: []exchangetest.Probe{
			{Name: "account", Scope: exchanges.ScopeRead, Request: get("/openApi/account/v1/uid")},
			{Name: "balance", Scope: exchanges.ScopeRead, Request: get("/openApi/spot/v1/account/balance")},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: spot},
			// No call for margin orders is documented. A key that may place spot
			// orders is assumed to be able to place margin orders too.
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: spot},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/openApi/swap/v2/trade/order", spotOrder)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/openApi/api/v3/post/asset/transfer", "type=FUND_PFUTURES&asset=USDT&amount=1")},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/openApi/wallets/v1/capital/withdraw/apply", "coin=USDT&address=x&amount=1")},
		},
		// A refusal comes with HTTP 200.
		Accepted: func(_ int, body []byte) bool {
			var answer struct{ Code *int }
			return json.Unmarshal(body, &answer) == nil && answer.Code != nil && *answer.Code == 0
		},
	}
}
