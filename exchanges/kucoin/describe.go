// Package kucoin mints API keys of KuCoin sub-accounts.
//
// Facts come from KuCoin's API documentation, sections "Authentication", "Rate
// Limit" and "Account & Funding / Sub Account"
// (https://www.kucoin.com/docs-new/rest/account-info/sub-account/add-subaccount-api).
package kucoin

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// KuCoin is the exchange.
type KuCoin struct{}

// New returns the exchange.
func New() KuCoin { return KuCoin{} }

// day is the unit in which KuCoin counts the lifetime of keys.
const day = 24 * time.Hour

// lifetimes are the days after which KuCoin can expire a key.
func lifetimes() []int { return []int{30, 90, 180, 360} }

// All signed calls draw on one pool of weight; these are their weights
// (https://www.kucoin.com/docs-new/rate-limit).
const (
	weightOfCall     = 20
	weightOfDeletion = 30
)

// Describe implements [exchanges.Exchange].
func (KuCoin) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "kucoin",
		DisplayName:   "KuCoin",
		Documentation: "https://www.kucoin.com/docs-new/rest/account-info/sub-account/add-subaccount-api",
		CCXT:          exchanges.CCXT{Class: "kucoin"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.kucoin.com", Hosts: []string{"api-futures.kucoin.com"},
				Note: "futures orders go to https://api-futures.kucoin.com with the same key",
			},
			{Name: "eu", BaseURL: "https://api.kucoin.eu", CCXT: exchanges.CCXTHost(map[string]any{"public": "https://api.kucoin.eu", "private": "https://api.kucoin.eu"}), Note: "accounts of the EU site; KuCoin's documentation says little about it"},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret", "passphrase"},
			Note: "an API key (version 3) of the master account with only the General permission, bound to the Vault " +
				"servers' addresses; it looks read-only but can mint keys that trade",
		}},
		Variants: []exchanges.Variant{{
			Summary:          "a master account; needs no broker agreement",
			SubAccountNaming: "name (subName)",
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeyHMAC},
			// The alphabet is not documented.
			Label: exchanges.LabelRule{MaxLength: 24},
			Addresses: exchanges.AddressRule{
				Max:  20,
				Note: "a key that can trade and has no addresses is deleted, or loses its trade permissions, after 30 days without use",
			},
			// 7 to 32 characters are allowed. Special ones would have to be escaped
			// in the query of a deletion, where it is easy to sign them wrongly.
			Passphrase:   &exchanges.PassphraseRule{Length: 24, Alphanumeric: true, NeededToDelete: true},
			NativeExpiry: &exchanges.ExpiryRule{Granularity: 30 * day, Max: 360 * day},
			RateLimits: []exchanges.RateLimit{
				// The weight allowed at the lowest VIP level.
				{Operation: exchanges.OpAny, Requests: 2000, Per: 30 * time.Second},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A root key with General alone, which is read-only by its permissions, can mint keys that trade: guard it like one.",
			"KuCoin deletes a key only if given the key's passphrase. The engine keeps it until then; a key whose passphrase was not recorded must be deleted on the website.",
			"KuCoin itself expires a minted key 30, 90, 180 or 360 days after it was made: the first of these that lies beyond the lease's hard limit, or never if none does.",
			"The rate limit counts weights: a deletion weighs 30, any other call 20. It is the lowest VIP level's; higher levels have more.",
			"Do not rename a sub-account that has live keys: KuCoin finds its keys by the name alone.",
			"The root key can be replaced only on the website.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://www.kucoin.com/docs-new/websocket-api/base-info/get-private-token-spot-margin).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Unbound:  "the query is signed as it was before percent-encoding",
		Validity: 5 * time.Second,
		Logins: []exchanges.Channel{{
			Name: "private", KeyTypes: hmac, Request: loginRequest, Validity: 5 * time.Second,
			Note: "send the request; its answer has the endpoint and a token for the URL: <endpoint>?token=<token>",
		}},
		LoginRequests: []string{loginRequest, "POST /api/v2/bullet-private"},
	}
}

// loginRequest asks for a token with which the private WebSocket is opened.
const loginRequest = "POST /api/v1/bullet-private"
