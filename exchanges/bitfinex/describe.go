// Package bitfinex mints auth tokens of Bitfinex accounts.
//
// Bitfinex's API makes no API keys. An API key can make tokens instead: texts
// that are sent as they are, with capabilities and an end of their own. They are
// made, used and deleted, and never listed.
//
// Facts come from Bitfinex's API documentation, pages "Generate Token", "Key
// Permissions", "REST authentication", "Requirements and limitations" and
// "Abbreviations and error codes" (https://docs.bitfinex.com). The call that
// deletes a token is not on these pages: it is that of Bitfinex's own Node SDK
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
	// lifetimeMargin is how much longer than its lease a token lives, so that
	// it does not end before it.
	lifetimeMargin = 30 * time.Second
)

// Describe implements [exchanges.Exchange].
func (Bitfinex) Describe() exchanges.Description {
	// The rate of the two other calls is not documented; it is taken for the
	// same.
	limit := func(operation exchanges.Operation) exchanges.RateLimit {
		return exchanges.RateLimit{Operation: operation, Requests: 90, Per: time.Minute}
	}
	return exchanges.Description{
		Name:          "bitfinex",
		DisplayName:   "Bitfinex",
		Documentation: "https://docs.bitfinex.com/reference/rest-auth-generate-token",
		Environments: []exchanges.Environment{{
			Name: "production", BaseURL: "https://api.bitfinex.com",
			Note: "there is no testnet; a key of the paper-trading sub-account works here with test currencies",
		}},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "an API key of the account or sub-account for which tokens are minted, with the rights that its roles need and no others, " +
				"that nothing but this connection uses",
		}},
		Variants: []exchanges.Variant{{
			Summary:          "a verified account, or a sub-account with an API key of its own; needs no agreement",
			SubAccountNaming: self + ": the account of the root key; for a sub-account make an API key inside it, and a connection of its own",
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeyBearer},
			Addresses:        exchanges.AddressRule{None: true, Note: "a token works from anywhere: what Bitfinex makes of an address is not documented"},
			NativeExpiry:     &exchanges.ExpiryRule{Granularity: time.Second, Max: maxLifetime},
			Unlisted: "Bitfinex lists no tokens: one whose create answer was lost can be neither found nor deleted, and nobody has it; " +
				"it ends by itself, at most 30 seconds after its lease would have",
			RateLimits: []exchanges.RateLimit{
				// Not documented: our own, so that nonces arrive in order.
				{Operation: exchanges.OpAny, Requests: 10, Per: time.Second, Serial: true},
				limit(exchanges.OpCreateKey), limit(opPermissions), limit(exchanges.OpDeleteKey),
			},
		}},
		Notes: []string{
			"A minted key is a token: a text that is sent in the header bfx-token, with a bfx-nonce, in place of a key and a signature. api_key is a fingerprint of it, which Bitfinex does not know.",
			"A token ends by itself with its lease, which therefore cannot be renewed: ask for a new one.",
			"A token either reads or writes, in all that it may do. One that trades cannot see wallets, unless it may also transfer.",
			"Spot, margin and derivatives are traded with one right.",
			"A live token may be able to make a successor that outlives its lease. Which right that takes is not documented; account:read, which may be it, is only given to roles that name it.",
			"One API key for each connection: calls carry a growing number, and another program that uses the key makes them fail.",
			"Tokens are deleted by a call that Bitfinex does not document. Should it ever not work, a revoked token lives until it ends by itself.",
			"The root key can be replaced only on the website.",
		},
	}
}
