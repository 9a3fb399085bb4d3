// Package bitfinex mints auth tokens of Bitfinex accounts.
//
// Bitfinex's API makes no API keys. Instead, an API key can make tokens: texts that
// are sent as is, with capabilities and an expiry of their own. They are made, used
// and deleted, and never listed.
//
// Facts come from Bitfinex's API documentation, pages "Generate Token", "Key
// Permissions", "REST authentication", "Requirements and limitations" and
// "Abbreviations and error codes" (https://docs.bitfinex.com). The call that
// deletes a token is not on these pages; it comes from Bitfinex's own Node SDK
// (https://github.com/bitfinexcom/bfx-api-node-rest).
package bitfinex

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Bitfinex is the exchange.
type Bitfinex struct{}

// New returns the exchange.
func New() Bitfinex { return Bitfinex{} }

// opPermissions names the limit of the call that asks what a key or a token may
// do.
const opPermissions exchanges.Operation = "ask_permissions"

// The life of a token. Bitfinex does not document the longest; this one is that
// of its own applications.
const (
	maxLifetime = 7 * 24 * time.Hour
	// lifetimeMargin is how much longer than its lease a token lives, so that it
	// does not expire first.
	lifetimeMargin = 30 * time.Second
)

// Describe implements [exchanges.Exchange].
func (Bitfinex) Describe() exchanges.Description {
	// The rate of the two other calls is not documented; it is assumed to be the
	// same.
	limit := func(operation exchanges.Operation) exchanges.RateLimit {
		return exchanges.RateLimit{Operation: operation, Requests: 90, Per: time.Minute}
	}
	return exchanges.Description{
		Name:          "bitfinex",
		DisplayName:   "Bitfinex",
		Documentation: "https://docs.bitfinex.com/reference/rest-auth-generate-token",
		CCXT: exchanges.CCXT{Unusable: map[exchanges.KeyType]string{
			exchanges.KeyBearer: "it signs with a key and its secret, and what is minted at Bitfinex is a token",
		}},
		Environments: []exchanges.Environment{{
			Name: "production", BaseURL: "https://api.bitfinex.com",
			Note: "there is no testnet; a key of the paper-trading sub-account works here with test currencies",
		}},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "an API key of the account or sub-account for which tokens are minted, with the rights that its roles need and no others, " +
				"used by nothing but this connection",
		}},
		Variants: []exchanges.Variant{{
			Summary:          "a verified account, or a sub-account with an API key of its own; needs no agreement",
			SubAccountNaming: self + ": the account of the root key; for a sub-account, make an API key inside it and a connection of its own",
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeyBearer},
			Addresses:        exchanges.AddressRule{None: true, Note: "a token works from anywhere: what Bitfinex does with an address is not documented"},
			NativeExpiry:     &exchanges.ExpiryRule{Granularity: time.Second, Max: maxLifetime},
			Unlisted: "Bitfinex lists no tokens: one whose create answer was lost can be neither found nor deleted, and nobody has it; " +
				"it expires by itself, at most 30 seconds after its lease would have",
			RateLimits: []exchanges.RateLimit{
				// This limit is not documented. It is our own, so that nonces
				// arrive in order.
				{Operation: exchanges.OpAny, Requests: 10, Per: time.Second, Serial: true},
				limit(exchanges.OpCreateKey), limit(opPermissions), limit(exchanges.OpDeleteKey),
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A minted key is a token: a text that is sent in the header bfx-token, with a bfx-nonce, in place of a key and a signature. api_key is a fingerprint of it, which Bitfinex does not know.",
			"A token expires with its lease, which therefore cannot be renewed: ask for a new one.",
			"A token either reads or writes, in everything that it may do. One that trades cannot see wallets, unless it may also transfer.",
			"One right covers trading in spot, margin and derivatives.",
			"A live token may be able to make a successor that outlives its lease. Which right that takes is not documented; account:read, which may be the one, is given only to roles that name it.",
			"Use one API key for each connection: calls carry a growing number, and another program that uses the key makes them fail.",
			"Tokens are deleted by a call that Bitfinex does not document. If it ever stops working, a revoked token lives until it expires.",
			"The root key can be replaced only on the website.",
		},
	}
}

// signing returns that a minted key cannot stay with the engine.
func signing() exchanges.Signing {
	return exchanges.Signing{NoCustody: "a token signs nothing: it is sent as it is, so whoever uses it must have it"}
}
