// Package okx mints API keys of OKX sub-accounts (V5 API).
//
// Facts come from OKX's API documentation, sections "Overview", "Trading
// Account", "Sub-account" and "Error Code"
// (https://www.okx.com/docs-v5/en/#sub-account-rest-api).
package okx

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// OKX is the exchange.
type OKX struct{}

// New returns the exchange.
func New() OKX { return OKX{} }

// demo is the environment whose requests are marked by a header rather than
// sent to a host of its own.
const demo = "demo"

// passphraseLength lies within OKX's bounds of 8 and 32.
const passphraseLength = 24

// Describe implements [exchanges.Exchange].
func (OKX) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "okx",
		DisplayName:   "OKX",
		Documentation: "https://www.okx.com/docs-v5/en/#sub-account-rest-api-create-an-api-key-for-a-sub-account",
		CCXT:          exchanges.CCXT{Class: "okx"},
		Environments: []exchanges.Environment{
			{Name: "production", BaseURL: "https://openapi.okx.com", Streams: streams("ws.okx.com"), Note: "accounts of www.okx.com"},
			{Name: "eea", BaseURL: "https://eea.okx.com", CCXT: exchanges.CCXTDomain("eea.okx.com"), Streams: streams("wseea.okx.com"), Note: "required for accounts of my.okx.com"},
			{
				Name: "us", BaseURL: "https://us.okx.com", CCXT: exchanges.CCXTDomain("us.okx.com"), Streams: streams("wsus.okx.com"),
				Note: "required for accounts of app.okx.com (US and Australia); OKX does not say whether keys can be minted there",
			},
			{
				Name: demo, BaseURL: "https://openapi.okx.com", CCXT: exchanges.CCXTSandbox(), Streams: streams("wspap.okx.com"),
				Note: "demo trading, with keys of its own; OKX does not say whether keys can be minted there. " +
					"Set base_url for accounts of another region",
			},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret", "passphrase"},
			Note: "an API key of the master account with the permissions Read and Trade and without Withdraw, bound to the Vault servers' addresses; " +
				"it can trade and transfer on the master account, so the binding is its only protection",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a master account; needs no broker agreement",
			SubAccountNaming:  "name",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: 50,
			Label:             exchanges.LabelRule{MaxLength: 50},
			Addresses: exchanges.AddressRule{
				Max: 20, IPv6: true, CIDR: true,
				Note: "a key with trade and without addresses expires after 14 days without use",
			},
			Passphrase: &exchanges.PassphraseRule{Length: passphraseLength},
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpInspect, Requests: 5, Per: 2 * time.Second},
				{Operation: exchanges.OpSubAccounts, Requests: 2, Per: 2 * time.Second},
				{Operation: exchanges.OpCreateKey, Requests: 1, Per: time.Second},
				{Operation: exchanges.OpListKeys, Requests: 20, Per: 2 * time.Second},
				{Operation: exchanges.OpDeleteKey, Requests: 1, Per: time.Second},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A key either only reads, or trades every product and moves funds: no trade scope is available alone, nor without transfer.",
			"A sub-account's key can never withdraw. By default it can move funds to the master account; the sub-account's transfer-out switch stops that.",
			"One key per second is minted and one per second deleted: revoking many keys takes as many seconds.",
			"The root key can be replaced only on the website.",
			"A root key used at the wrong regional host is reported as one that does not exist (50119).",
			"A deletion, and an edit too, ends the WebSocket sessions that are logged in with the key (close code 4007).",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://www.okx.com/docs-v5/en/#overview-websocket-login).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Raw:      hmac,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Validity: validity,
		Logins: []exchanges.Channel{
			{Name: "private", KeyTypes: hmac, Validity: validity, Note: "the session then places orders unsigned"},
			{Name: "business", KeyTypes: hmac, Validity: validity, Note: "algo and grid orders, and what happens to them"},
		},
		LoginRequests: []string{loginRequest},
	}
}

// validity is how long OKX accepts what was signed.
const validity = 30 * time.Second

// streams are where the WebSockets of one region are
// (https://www.okx.com/docs-v5/en/#overview-production-trading-services).
func streams(host string) map[string]string {
	return map[string]string{"private": "wss://" + host + ":8443/ws/v5/private", "business": "wss://" + host + ":8443/ws/v5/business"}
}
