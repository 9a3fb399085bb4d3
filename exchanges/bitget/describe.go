// Package bitget mints API keys of Bitget sub-accounts.
//
// Bitget has a surface for each kind of main account. They differ in paths, field
// names, permissions, and what can be done to a key. The kind of account decides
// which one it may use:
//
//   - unified (account_unified.go): accounts in mixed or unified mode;
//   - classic (account_classic.go): accounts in classic mode, whose keys the API
//     cannot delete;
//   - broker (account_broker.go): non-disclosed brokers.
//
// Version 3 of the broker API is left out: its only query is documented to show a
// single key, which could settle neither a deletion nor a lost key.
//
// Facts come from Bitget's API documentation, sections "Unified Trading Account",
// "Common", "Broker" and "Error Code" (https://www.bitget.com/api-doc/uta/intro,
// https://www.bitget.com/api-doc/common/intro).
package bitget

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Bitget is the exchange.
type Bitget struct{}

// New returns the exchange.
func New() Bitget { return Bitget{} }

// The variants.
const (
	variantUnified = "unified"
	variantClassic = "classic"
	variantBroker  = "broker"
)

// The operations that only Bitget has.
const (
	opBrokerInfo exchanges.Operation = "inspect_broker"
	opEmptyKey   exchanges.Operation = "take_permissions_from_key"
)

const (
	// passphraseLength lies within Bitget's bounds of 8 and 32.
	passphraseLength = 24
	// keysPerAccount is how many keys any account may have.
	keysPerAccount = 10
	// addressesPerKey is how many addresses a key may have.
	addressesPerKey = 30
)

// Describe implements [exchanges.Exchange].
func (Bitget) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "bitget",
		DisplayName:   "Bitget",
		Documentation: "https://www.bitget.com/api-doc/uta/account/sub-account/SubAccount-API-Create",
		CCXT:          exchanges.CCXT{Class: "bitget"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.bitget.com",
				Streams: map[string]string{channelPrivate: "wss://ws.bitget.com/v2/ws/private", channelUnified: "wss://ws.bitget.com/v3/ws/private"},
			},
			{Name: "eu", BaseURL: "https://api.bitget-eu.com", CCXT: exchanges.CCXTDomain("bitget-eu.com"), Note: "accounts of Bitget's EU entity"},
		},
		Credentials: []exchanges.CredentialForm{
			{
				Name: "hmac", Fields: []string{"api_key", "api_secret", "passphrase"},
				Note: "an API key of the main account (for the variant broker: the broker's), without Withdraw, bound to the Vault " +
					"servers' addresses; for a unified account it needs Unified Account Management (read and write), for a classic " +
					"one the sub-account permission (read and write)",
			},
			{Name: "rsa", Fields: []string{"api_key", "private_key", "passphrase"}, Note: "the same, self-generated as RSA"},
		},
		Variants: []exchanges.Variant{describeUnified(), describeClassic(), describeBroker()},
		Notes: []string{
			"The variant must match the account: unified for mixed and unified mode, classic for classic mode. Upgrading an account changes its variant.",
			"Using a key takes three parts: api_key, api_secret and passphrase, which the plugin chooses.",
			"A minted key can never withdraw.",
			"Bitget can let sub-accounts manage their own keys, which is off by default. Leave it off, or a holder can mint keys outside any lease.",
			"The root key can be replaced only on the website.",
			"Demo trading is not offered: Bitget documents no sub-account calls there.",
		},
	}
}

func describeUnified() exchanges.Variant {
	return exchanges.Variant{
		Name:              variantUnified,
		Summary:           "a main account in mixed or unified mode, and its sub-accounts in unified mode; needs no agreement",
		SubAccountNaming:  "number (sub UID)",
		Permissions:       unifiedPermissions(),
		KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
		KeysPerSubAccount: keysPerAccount,
		// The length is not documented; 20 is that of the other variants.
		Label: exchanges.LabelRule{MaxLength: 20, Hyphens: true},
		Addresses: exchanges.AddressRule{
			Max:  addressesPerKey,
			Note: "Bitget calls the list a withdrawal allowlist; whether it also binds reading and trading is not documented",
		},
		Passphrase: &exchanges.PassphraseRule{Length: passphraseLength, Alphanumeric: true},
		CCXT:       exchanges.CCXTSettings{"options": map[string]any{"uta": true}},
		RateLimits: []exchanges.RateLimit{
			overall(),
			{Operation: exchanges.OpInspect, Requests: 5, Per: time.Second},
			{Operation: exchanges.OpSubAccounts, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpCreateKey, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpListKeys, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpDeleteKey, Requests: 10, Per: time.Second},
		},
		Signing: signing(channelUnified),
	}
}

func describeClassic() exchanges.Variant {
	return exchanges.Variant{
		Name:              variantClassic,
		Summary:           "a main account in classic mode, and its virtual sub-accounts; needs no agreement",
		SubAccountNaming:  "number (sub-account UID)",
		Permissions:       classicPermissions(),
		KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
		KeysPerSubAccount: keysPerAccount,
		Label:             exchanges.LabelRule{MaxLength: 20, Hyphens: true},
		Addresses:         exchanges.AddressRule{Max: addressesPerKey},
		// A key cannot be edited without its passphrase.
		Passphrase: &exchanges.PassphraseRule{Length: passphraseLength, Alphanumeric: true, NeededToDelete: true},
		NoDeletion: "revocation takes all permissions from a key, which goes on occupying one of the sub-account's 10 places " +
			"until a person deletes it on Bitget's website",
		RateLimits: []exchanges.RateLimit{
			overall(),
			{Operation: exchanges.OpInspect, Requests: 1, Per: time.Second},
			{Operation: exchanges.OpSubAccounts, Requests: 1, Per: time.Second},
			{Operation: exchanges.OpCreateKey, Requests: 5, Per: time.Second},
			{Operation: exchanges.OpListKeys, Requests: 5, Per: time.Second},
			{Operation: opEmptyKey, Requests: 5, Per: time.Second},
		},
		Signing: signing(channelPrivate),
	}
}

func describeBroker() exchanges.Variant {
	return exchanges.Variant{
		Name:              variantBroker,
		Summary:           "the main account of a non-disclosed broker, after a signed agreement with Bitget",
		SubAccountNaming:  "number (sub UID)",
		Permissions:       brokerPermissions(),
		KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
		KeysPerSubAccount: keysPerAccount,
		Label:             exchanges.LabelRule{MaxLength: 19, Hyphens: true},
		Addresses: exchanges.AddressRule{
			Max:  addressesPerKey,
			Note: "only a read-only key may go without addresses",
		},
		Passphrase: &exchanges.PassphraseRule{Length: passphraseLength, Alphanumeric: true},
		RateLimits: []exchanges.RateLimit{
			overall(),
			{Operation: exchanges.OpInspect, Requests: 1, Per: time.Second},
			{Operation: opBrokerInfo, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpSubAccounts, Requests: 1, Per: time.Second},
			{Operation: exchanges.OpCreateKey, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpListKeys, Requests: 10, Per: time.Second},
			{Operation: exchanges.OpDeleteKey, Requests: 10, Per: time.Second},
		},
		Signing: signing(channelPrivate),
	}
}

// overall is the limit on all requests from one address.
func overall() exchanges.RateLimit {
	return exchanges.RateLimit{Operation: exchanges.OpAny, Requests: 6000, Per: time.Minute}
}

// signing returns what a signature by a minted key is good for
// (https://www.bitget.com/api-doc/common/websocket-intro). How long it is valid is not
// documented.
func signing(channel string) exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests:      hmac,
		Raw:           hmac,
		Binds:         []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Logins:        []exchanges.Channel{{Name: channel, KeyTypes: hmac, Note: "the session then places orders unsigned"}},
		LoginRequests: []string{loginRequest},
	}
}
