package htx

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/htx"
)

// subject is HTX for the conformance suite. Signatures cover the host, which is the
// vectors' own, so they are compared before anything is sent.
func subject() exchangetest.Subject {
	post := func(path, body string) exchanges.UserRequest {
		return exchanges.UserRequest{Method: http.MethodPost, Path: path, Body: []byte(body), ContentType: "application/json"}
	}
	order := post("/v1/order/orders/place", `{"account-id":"1","symbol":"btcusdt","type":"buy-market","amount":"1"}`)
	return exchangetest.Subject{
		Exchange: New(),
		Venue:    standin.Venue(),
		Accepted: func(_ int, body []byte) bool {
			var answer struct {
				Status string `json:"status"`
				Code   int    `json:"code"`
			}
			return json.Unmarshal(body, &answer) == nil && (answer.Status == "ok" || answer.Code == 200)
		},
		Probes: []exchangetest.Probe{
			{Name: "accounts", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{Method: http.MethodGet, Path: "/v1/account/accounts"}},
			{Name: "spot order", Scope: exchanges.ScopeSpot, Request: order},
			{Name: "margin order", Scope: exchanges.ScopeMargin, Request: order},
			{Name: "swap order", Scope: exchanges.ScopeFutures, Request: post("/linear-swap-api/v1/swap_order",
				`{"contract_code":"BTC-USDT","volume":1,"direction":"buy","lever_rate":1,"order_price_type":"opponent"}`)},
			{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: post("/v2/account/transfer",
				`{"from":"spot","to":"linear-swap","currency":"usdt","amount":"1"}`)},
			{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: post("/v1/dw/withdraw/api/create",
				`{"address":"x","currency":"usdt","amount":"1"}`)},
		},
		ClockSkew: 6 * time.Minute,
		Signature: func(credential exchanges.Credential, text string) (string, error) {
			s, err := newSigner(credential)
			if err != nil {
				return "", err
			}
			return s.signature(text)
		},
	}
}

func TestConformance(t *testing.T) { exchangetest.Run(t, subject()) }
