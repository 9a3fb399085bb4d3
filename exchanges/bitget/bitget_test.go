package bitget_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/bitget"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/bitget"
)

func post(path, body string) exchanges.UserRequest {
	return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
}

// accepted reports whether an answer is a success: Bitget says so in the body.
func accepted(_ int, body []byte) bool {
	var answer struct {
		Code string `json:"code"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Code == "00000"
}

func TestConformanceUnified(t *testing.T) {
	order := func(category string) exchanges.UserRequest {
		return post("/api/v3/trade/place-order",
			`{"category":"`+category+`","symbol":"BTCUSDT","side":"buy","orderType":"market","qty":"1"}`)
	}
	const funds = `{"coin":"USDT","amount":"1","fromType":"spot","toType":"uta"}`
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: bitget.New(),
		Venue:    standin.Venue(),
		Accepted: accepted,
		Probes: []exchangetest.Probe{
			{Name: "open orders", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
				Method: http.MethodGet, Path: "/api/v3/trade/unfilled-orders", Query: "category=SPOT",
			}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: order("SPOT")},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: order("MARGIN")},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: order("USDT-FUTURES")},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/api/v3/account/transfer", funds)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/api/v3/account/withdrawal", funds)},
		},
	})
}

func TestConformanceClassic(t *testing.T) { testVersion2(t, "classic") }

func TestConformanceBroker(t *testing.T) { testVersion2(t, "broker") }

func testVersion2(t *testing.T, variant string) {
	const funds = `{"coin":"USDT","amount":"1","fromType":"spot","toType":"usdt_futures"}`
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: bitget.New(),
		Venue:    standin.Venue(),
		Variant:  variant,
		Root:     variant,
		Accepted: accepted,
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
				Method: http.MethodGet, Path: "/api/v2/spot/account/assets", Query: "coin=USDT",
			}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: post("/api/v2/spot/trade/place-order",
				`{"symbol":"BTCUSDT","side":"buy","orderType":"market","size":"1"}`)},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: post("/api/v2/margin/crossed/place-order",
				`{"symbol":"BTCUSDT","side":"buy","orderType":"market","baseSize":"1"}`)},
			{Name: "futures order", Scope: exchanges.ScopeFutures, Request: post("/api/v2/mix/order/place-order",
				`{"symbol":"BTCUSDT","productType":"USDT-FUTURES","side":"buy","orderType":"market","size":"1"}`)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/api/v2/spot/wallet/transfer", funds)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/api/v2/spot/wallet/withdrawal", funds)},
		},
	})
}
