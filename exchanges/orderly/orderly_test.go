package orderly_test

import (
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	"vault-plugin-secrets-exchange/exchanges/orderly"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/orderly"
)

func TestConformance(t *testing.T) { exchangetest.Run(t, subject()) }

func subject() exchangetest.Subject {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	return exchangetest.Subject{
		Exchange: orderly.New(),
		Venue:    standin.Venue(),
		// Timestamps may be off by five minutes.
		ClockSkew: 10 * time.Minute,
		Probes: []exchangetest.Probe{
			{Name: "balance", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{Method: http.MethodGet, Path: "/v1/client/holding"}},
			// Orderly documents that read includes this.
			{Name: "leverage", Scope: exchanges.ScopeRead, Request: post("/v1/client/leverage", `{"leverage":5}`)},
			{Name: "order", Scope: exchanges.ScopeFutures, Request: post("/v1/order",
				`{"symbol":"PERP_ETH_USDC","order_type":"MARKET","order_quantity":0.01,"side":"BUY"}`)},
			{Name: "internal transfer", Scope: exchanges.ScopeTransfer, Request: post("/v1/internal_transfer",
				`{"token":"USDC","receiver_list":[{"account_id":"0x9ff99a5d6cb71a3ef897b0fff5f5801af6dc5f72d8f1608e61409b8fc965bd68","amount":"1"}]}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/v1/withdraw_request",
				`{"message":{"brokerId":"woofi_pro","token":"USDC","amount":"1"},"signature":"0x00","userAddress":"0x00"}`)},
		},
	}
}
