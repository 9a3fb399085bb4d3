// Package mexc mints API keys of MEXC sub-accounts.
//
// It uses the sub-account API of master accounts, not the one for brokers. That API
// creates, lists and deletes keys, but cannot edit them.
//
// Facts come from MEXC's API documentation, sections "Introduction", "Sub-Account
// Endpoints" and "Error Code"
// (https://www.mexc.com/api-docs/spot-v3/subaccount-endpoints).
package mexc

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// MEXC is the exchange.
type MEXC struct{}

// New returns the exchange.
func New() MEXC { return MEXC{} }

// keysPerSubAccount is MEXC's cap of keys per account, which applies to
// sub-accounts too.
const keysPerSubAccount = 30

// Describe implements [exchanges.Exchange].
func (MEXC) Describe() exchanges.Description {
	// MEXC's pages name both 500 requests and 300; the smaller number applies.
	limit := func(operation exchanges.Operation) exchanges.RateLimit {
		return exchanges.RateLimit{Operation: operation, Requests: 300, Per: 10 * time.Second}
	}
	return exchanges.Description{
		Name:          "mexc",
		DisplayName:   "MEXC",
		Documentation: "https://www.mexc.com/api-docs/spot-v3/subaccount-endpoints",
		CCXT:          exchanges.CCXT{Class: "mexc"},
		Environments:  []exchanges.Environment{{Name: "production", BaseURL: "https://api.mexc.com"}},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "a key of a master account with at least one sub-account, with SPOT_ACCOUNT_READ and SPOT_ACCOUNT_WRITE and without any right to withdraw, " +
				"bound to the Vault servers' addresses",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a master account; needs no broker agreement",
			SubAccountNaming:  "name",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: keysPerSubAccount,
			// The length is not documented; this one is cautious.
			Label: exchanges.LabelRule{MaxLength: 16, Hyphens: true},
			Addresses: exchanges.AddressRule{
				// One page says 20, but the error texts say 10.
				Max:  10,
				Note: "MEXC expires a key without addresses after 90 days",
			},
			RateLimits: []exchanges.RateLimit{
				limit(exchanges.OpInspect), limit(exchanges.OpSubAccounts), limit(exchanges.OpCreateKey), limit(exchanges.OpListKeys), limit(exchanges.OpDeleteKey),
			},
			Signing: signing(),
		}},
		Notes: []string{
			"MEXC does not say what a root key may do: check on MEXC's website that it cannot withdraw and is bound to addresses.",
			"By a report of 2022, MEXC does not apply a key's addresses to private WebSocket streams: who has the key and its secret may see the account's orders and trades from anywhere.",
			"A minted key can never withdraw: the API for master accounts has no word for it.",
			"Every key reads the spot account, even one that is for futures.",
			"MEXC decides whether an account may trade futures through the API, whatever its keys may do.",
			"MEXC cannot expire a key at a given time, and cannot edit a key.",
			"The root key can be replaced only on the website.",
			"There is no testnet.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartQuery, exchanges.PartBody},
		Validity: 5 * time.Second,
		Replaced: []string{"timestamp", "recvWindow", "signature"},
		Logins: []exchanges.Channel{{
			Name: "user_data", KeyTypes: hmac, Request: loginRequest, Validity: 5 * time.Second,
			Note: "send the request; its answer has a listenKey for the URL: wss://wbs-api.mexc.com/ws?listenKey=<listenKey>",
		}},
		LoginRequests: []string{loginRequest},
		RequestsLogIn: "a signature covers neither method nor path: with that of a request without a body, whoever has it can ask " +
			"for a listenKey, and with that of a GET that lists open orders cancel them all, by DELETE",
	}
}

// loginRequest asks for a listenKey, with which the user data stream is opened.
const loginRequest = "POST /api/v3/userDataStream"
