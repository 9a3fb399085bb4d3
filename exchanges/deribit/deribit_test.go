package deribit

import (
	"encoding/json"
	"net/http"
	"testing"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/exchangetest"
	standin "vault-plugin-secrets-exchange/exchanges/simulator/deribit"
)

func TestConformance(t *testing.T) {
	t.Run(variantMain, func(t *testing.T) {
		s := subject(variantMain)
		s.GoneSubAccount = "4000000000"
		exchangetest.Run(t, s)
	})
	t.Run(variantDirect, func(t *testing.T) {
		s := subject(variantDirect)
		// The root key is in each list, so that none is empty.
		s.Unmet = []string{"null_list", "missing_list"}
		exchangetest.Run(t, s)
	})
}

func subject(variant string) exchangetest.Subject {
	return exchangetest.Subject{
		Exchange: New(), Venue: standin.Venue(), Variant: variant, Root: variant, Probes: probes(), ClockRefusal: exchanges.ErrAuth,
		// A sub-account is reached by a token.
		Timeless: variant == variantMain,
		LogIn:    func(path string) bool { return path == pathOf(methodAuth) || path == pathOf(methodExchange) },
		Signature: func(credential exchanges.Credential, text string) (string, error) {
			signer, err := newSigner(credential)
			if err != nil {
				return "", err
			}
			return signer.signature(text)
		},
		Accepted: func(_ int, body []byte) bool {
			var answer struct {
				Result json.RawMessage `json:"result"`
			}
			return json.Unmarshal(body, &answer) == nil && answer.Result != nil
		},
	}
}

func probes() []exchangetest.Probe {
	ask := func(method, params string) exchanges.UserRequest {
		return exchanges.UserRequest{
			Method: http.MethodPost, Path: pathOf(method), ContentType: jsonType,
			Body: []byte(`{"jsonrpc":"2.0","id":5,"method":"` + method + `","params":` + params + `}`),
		}
	}
	buy := func(instrument string) exchanges.UserRequest {
		return ask("private/buy", `{"instrument_name":"`+instrument+`","amount":10,"type":"market"}`)
	}
	return []exchangetest.Probe{
		{Name: "positions", Scope: exchanges.ScopeRead, Request: exchanges.UserRequest{
			Method: http.MethodGet, Path: pathOf("private/get_positions"), Query: "currency=BTC&kind=future",
		}},
		{Name: "deposits", Scope: exchanges.ScopeRead, Request: ask("private/get_deposits", `{"currency":"BTC"}`)},
		{Name: "spot order", Scope: exchanges.ScopeSpot, Request: buy("BTC_USDC")},
		{Name: "futures order", Scope: exchanges.ScopeFutures, Request: buy("BTC-PERPETUAL")},
		{Name: "option order", Scope: exchanges.ScopeOptions, Request: buy("BTC-27DEC30-100000-C")},
		{Name: "transfer", Scope: exchanges.ScopeTransfer, Request: ask("private/submit_transfer_between_subaccounts",
			`{"currency":"BTC","amount":0.1,"destination":1}`)},
		{Name: "withdrawal", Scope: exchanges.ScopeWithdraw, Request: ask("private/withdraw",
			`{"currency":"BTC","amount":0.1,"address":"x"}`)},
	}
}
