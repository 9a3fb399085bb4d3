package hyperliquid_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/hyperliquid"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/hyperliquid"
)

func TestConformance(t *testing.T) {
	action := func(action string) exchanges.UserRequest {
		return exchanges.UserRequest{
			Method: http.MethodPost, Path: "/exchange", Body: []byte(`{"action":` + action + `}`), ContentType: "application/json",
		}
	}
	order := func(asset string) exchanges.UserRequest {
		return action(`{"type":"order","orders":[{"a":` + asset + `,"b":true,"p":"1","s":"1","r":false,"t":{"limit":{"tif":"Gtc"}}}],"grouping":"na"}`)
	}
	exchangetest.Run(t, exchangetest.Subject{
		Exchange: hyperliquid.New(),
		Venue:    standin.Venue(),
		Accepted: func(_ int, body []byte) bool {
			var answer struct {
				Status string `json:"status"`
			}
			return json.Unmarshal(body, &answer) == nil && answer.Status == "ok"
		},
		// 3, and 2 for each of the simulator's 3 sub-accounts.
		Slots: 9,
		// A nonce is accepted from two days before the exchange's time to one day
		// after it.
		ClockSkew: 72 * time.Hour,
		Probes: []exchangetest.Probe{
			// Everything that can be read is public, so this only asks whether the
			// address is an agent.
			{Name: "no operation", Scope: exchanges.ScopeRead, Request: action(`{"type":"noop"}`)},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: order("10107")},
			{Name: "perpetuals order", Scope: exchanges.ScopeFutures, Request: order("0")},
			{Name: "portfolio margin", Scope: exchanges.ScopeMargin, Request: action(`{"type":"agentSetAbstraction","abstraction":"p"}`)},
			{Name: "vault deposit", Scope: exchanges.ScopeTransfer, Request: action(
				`{"type":"vaultTransfer","vaultAddress":"0xdfc24b077bc1425ad1dea75bcb6f8158e10df303","isDeposit":true,"usd":5000000}`)},
		},
	})
}
