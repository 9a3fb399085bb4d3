// Package whitebit mints API keys of WhiteBIT sub-accounts (API v4).
//
// Facts come from WhiteBIT's API documentation, sections "Authentication",
// "Rate limits and error codes", "Sub-accounts" and "Sub-account API keys"
// (https://docs.whitebit.com/).
package whitebit

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// WhiteBIT is the exchange.
type WhiteBIT struct{}

// New returns the exchange.
func New() WhiteBIT { return WhiteBIT{} }

// The operations that only WhiteBIT has.
const (
	opBindKey   exchanges.Operation = "bind_key_to_address"
	opAddresses exchanges.Operation = "list_addresses_of_key"
	opNarrowKey exchanges.Operation = "switch_endpoints_of_key"
)

// Describe implements [exchanges.Exchange].
func (WhiteBIT) Describe() exchanges.Description {
	var limits []exchanges.RateLimit
	for _, operation := range []exchanges.Operation{
		exchanges.OpSubAccounts, exchanges.OpCreateKey, opBindKey, opAddresses, opNarrowKey, exchanges.OpListKeys, exchanges.OpDeleteKey,
	} {
		limits = append(limits, exchanges.RateLimit{Operation: operation, Requests: 1000, Per: 10 * time.Second})
	}
	return exchanges.Description{
		Name:          "whitebit",
		DisplayName:   "WhiteBIT",
		Documentation: "https://docs.whitebit.com/",
		CCXT:          exchanges.CCXT{Class: "whitebit"},
		Environments: []exchanges.Environment{
			{Name: "production", BaseURL: "https://whitebit.com"},
			{Name: "eu", BaseURL: "https://whitebit.eu", CCXT: exchanges.CCXTHost(map[string]any{
				"v1": map[string]any{"public": "https://whitebit.eu/api/v1/public", "private": "https://whitebit.eu/api/v1"},
				"v2": map[string]any{"public": "https://whitebit.eu/api/v2/public"},
				"v4": map[string]any{"public": "https://whitebit.eu/api/v4/public", "private": "https://whitebit.eu/api/v4"},
			}), Note: "WhiteBIT's EU company, with accounts and keys of its own"},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "an API key of a verified main account with the Trade permission and sub-account management, " +
				"bound to the Vault servers' addresses",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a verified main account with sub-accounts enabled; needs no broker agreement",
			SubAccountNaming:  "UUID",
			FoldNames:         true,
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: 50,
			// The length is not documented; this one is cautious.
			Label:      exchanges.LabelRule{MaxLength: 30, Hyphens: true},
			Addresses:  exchanges.AddressRule{Max: 50, Note: "WhiteBIT expires a key that nobody uses for 14 days; by some of its pages only one without addresses"},
			RateLimits: limits,
			Signing:    signing(),
		}},
		Notes: []string{
			"WhiteBIT makes every key wide and usable from any address. The plugin binds and narrows it before anyone gets it, and deletes it if that fails.",
			"Margin and futures are one collateral account: trade:margin and trade:futures are granted only together.",
			"No minted key can deposit or withdraw.",
			"A key that nobody uses for 14 days stops working, even the root key.",
			"WhiteBIT cannot expire a key at a given time. The root key can be replaced only on the website.",
			"There is no testnet.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://docs.whitebit.com/, section "Authentication").
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartPath, exchanges.PartBody},
		PostOnly: true,
		Validity: nonceWindow,
		Once:     true,
		Logins: []exchanges.Channel{{
			Name: "private", KeyTypes: hmac, Request: loginRequest, Validity: nonceWindow,
			Note: "send the request; its answer has a token, which the method authorize takes at wss://api.whitebit.com/ws",
		}},
		LoginRequests: []string{loginRequest},
	}
}

// loginRequest asks for a token with which a WebSocket connection is authorized.
const loginRequest = "POST /api/v4/profile/websocket_token"
