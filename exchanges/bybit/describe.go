// Package bybit mints API keys of Bybit sub-accounts (V5 API).
//
// Facts come from Bybit's API documentation, sections "User" and "Rate limit"
// (https://bybit-exchange.github.io/docs/v5/user/create-subuid-apikey).
package bybit

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Bybit is the exchange.
type Bybit struct{}

// New returns the exchange.
func New() Bybit { return Bybit{} }

// environmentDemo is the environment whose keys are minted at one host and used at
// another.
const environmentDemo = "demo"

// Describe implements [exchanges.Exchange].
func (Bybit) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "bybit",
		DisplayName:   "Bybit",
		Documentation: "https://bybit-exchange.github.io/docs/v5/user/create-subuid-apikey",
		CCXT:          exchanges.CCXT{Class: "bybit"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.bybit.com",
				Streams: map[string]string{"private": "wss://stream.bybit.com/v5/private", "trade": "wss://stream.bybit.com/v5/trade"},
			},
			{Name: "bytick", BaseURL: "https://api.bytick.com", CCXT: exchanges.CCXTDomain("bytick.com"), Note: "equivalent to production"},
			{Name: "netherlands", BaseURL: "https://api.bybit.nl", CCXT: exchanges.CCXTDomain("bybit.nl")},
			{Name: "turkey", BaseURL: "https://api.bybit.tr", CCXT: exchanges.CCXTDomain("bybit.tr")},
			{Name: "kazakhstan", BaseURL: "https://api.bybit.kz", CCXT: exchanges.CCXTDomain("bybit.kz")},
			{Name: "georgia", BaseURL: "https://api.bybitgeorgia.ge", CCXT: exchanges.CCXTDomain("bybitgeorgia.ge")},
			{Name: "emirates", BaseURL: "https://api.bybit.ae", CCXT: exchanges.CCXTDomain("bybit.ae")},
			{Name: "indonesia", BaseURL: "https://api.bybit.id", CCXT: exchanges.CCXTDomain("bybit.id")},
			{Name: "japan", BaseURL: "https://api.manepa.jp", CCXT: exchanges.CCXTDomain("manepa.jp")},
			{
				Name: "testnet", BaseURL: "https://api-testnet.bybit.com", CCXT: exchanges.CCXTSandbox(), Note: "accounts and keys of its own",
				Streams: map[string]string{"private": "wss://stream-testnet.bybit.com/v5/private", "trade": "wss://stream-testnet.bybit.com/v5/trade"},
			},
			{Name: "testnet-japan", BaseURL: "https://api-testnet.manepa.jp", CCXT: exchanges.CCXTSettings{"sandbox": true, "hostname": "manepa.jp"}, Note: "accounts and keys of its own"},
			{
				Name: environmentDemo, BaseURL: "https://api.bybit.com", KeyBaseURL: "https://api-demo.bybit.com",
				CCXT: exchanges.CCXTSettings{
					"urls":    map[string]any{"api": map[string]any{"private": "https://api-demo.{hostname}"}},
					"options": map[string]any{"enableDemoTrading": true},
				},
				Streams: map[string]string{"private": "wss://stream-demo.bybit.com/v5/private"},
				Note:    "keys of a demo account are minted with the production master key and used at the demo host",
			},
		},
		Credentials: []exchanges.CredentialForm{
			{
				Name: "hmac", Fields: []string{"api_key", "api_secret"},
				Note: "a system-generated, read-write API key of the master account with the Wallet right Account Transfer, " +
					"the narrowest Wallet right that lets it manage keys (Subaccount Transfer and Withdrawal do too), bound to the Vault servers' addresses",
			},
			{
				Name: "rsa", Fields: []string{"api_key", "private_key"},
				Note: "the same as a self-generated (RSA) key",
			},
		},
		Variants: []exchanges.Variant{{
			Summary:          "a master account; needs no partner agreement",
			SubAccountNaming: "number (sub UID)",
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeyHMAC},
			Label:            exchanges.LabelRule{MaxLength: 20, Hyphens: true},
			Addresses: exchanges.AddressRule{
				Note: "a key without addresses expires after 90 days; a key with addresses has no expiry of its own",
			},
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpInspect, Requests: 10, Per: time.Second},
				{Operation: exchanges.OpSubAccounts, Requests: 5, Per: time.Second},
				{Operation: exchanges.OpCreateKey, Requests: 1, Per: time.Second},
				{Operation: exchanges.OpListKeys, Requests: 10, Per: time.Second},
				{Operation: exchanges.OpDeleteKey, Requests: 5, Per: time.Second},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A key cannot be read-only in one product and read-write in another: a role with only read gets a read-only key.",
			"A key with transfer can edit and delete itself, including its own addresses; keep transfer out of ordinary roles.",
			"Bybit adds Derivatives.DerivativesTrade to keys of unified accounts, by some of its pages to every one that can write. " +
				"What it lets a key do without ContractTrade is not documented, so a key that has it unasked is accepted only if " +
				"the connection allows trade:futures, and shows it as added_permissions.",
			"Bybit does not document how to list the keys of a demo account: a mint there sees that the new key is listed, and deletes it if not.",
			"The root key can be replaced only on the website; one without addresses expires after 90 days.",
			"Not usable on the EEA site (api.bybit.eu), which does not let keys be created.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://bybit-exchange.github.io/docs/v5/ws/connect). FIX takes only keys that a
// person has generated.
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Raw:      hmac,
		Binds:    []exchanges.Part{exchanges.PartBody},
		Unbound:  "a signature for cancelling one order can cancel all of them; a GET signs its query, a POST only its body",
		Validity: 5 * time.Second,
		Logins: []exchanges.Channel{
			{Name: "private", KeyTypes: hmac, Chosen: true, Note: "what happens in the account"},
			{Name: "trade", KeyTypes: hmac, Chosen: true, Note: "the session then places orders unsigned"},
		},
	}
}
