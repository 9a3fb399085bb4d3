// Package gate mints API keys of Gate sub-accounts (API v4).
//
// Facts come from Gate's API documentation, sections "Authentication",
// "Frequency limit rule", "Error Handling", "SubAccount" and "Account"
// (https://www.gate.com/docs/developers/apiv4/en/#create-api-key-of-the-sub-account).
package gate

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Gate is the exchange.
type Gate struct{}

// New returns the exchange.
func New() Gate { return Gate{} }

// The operation that only Gate has.
const opRootKeys exchanges.Operation = "list_root_keys"

// revocationDelay is how long Gate may take to act on a deletion.
const revocationDelay = 5 * time.Minute

// keysPerSubAccount is Gate's cap of keys per account, taken to apply to each
// sub-account.
const keysPerSubAccount = 20

// Describe implements [exchanges.Exchange].
func (Gate) Describe() exchanges.Description {
	perTenSeconds := func(operation exchanges.Operation, requests int) exchanges.RateLimit {
		return exchanges.RateLimit{Operation: operation, Requests: requests, Per: 10 * time.Second}
	}
	return exchanges.Description{
		Name:          "gate",
		DisplayName:   "Gate",
		Documentation: "https://www.gate.com/docs/developers/apiv4/en/#create-api-key-of-the-sub-account",
		CCXT:          exchanges.CCXT{Class: "gate"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.gateio.ws", Hosts: []string{"fx-api.gateio.ws"},
				Streams: map[string]string{channelSpot: "wss://api.gateio.ws/ws/v4/", channelFutures: "wss://fx-ws.gateio.ws/v4/ws/usdt"},
			},
			{
				Name: "testnet", BaseURL: "https://api-testnet.gateapi.io", CCXT: exchanges.CCXTSandbox(),
				Note: "accounts and keys of its own; Gate does not say whether keys can be minted there",
			},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "an APIv4 key of the main account with read access to Account and write access to sub-accounts, " +
				"bound to the Vault servers' addresses",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a main account; needs no broker agreement",
			SubAccountNaming:  "number (user ID)",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: keysPerSubAccount,
			// The length is not documented; this one is cautious.
			Label: exchanges.LabelRule{MaxLength: 20, Hyphens: true},
			Addresses: exchanges.AddressRule{
				Max:  20,
				Note: "a key without addresses that is made on the website expires after 90 days; Gate does not say whether a minted one does",
			},
			RevocationDelay: revocationDelay,
			RateLimits: []exchanges.RateLimit{
				perTenSeconds(exchanges.OpInspect, 150),
				perTenSeconds(opRootKeys, 150),
				perTenSeconds(exchanges.OpSubAccounts, 80),
				perTenSeconds(exchanges.OpCreateKey, 80),
				perTenSeconds(exchanges.OpListKeys, 80),
				perTenSeconds(exchanges.OpDeleteKey, 80),
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A deleted key may go on working for up to 5 minutes. Bind keys to addresses, so that a stolen one is useless meanwhile.",
			"Gate does not separate spot orders from margin orders: trade:spot and trade:margin are granted only together.",
			"A key is useless in a business that its sub-account was not given when it was made.",
			"A sub-account's key can never withdraw, nor move funds to or from the main account.",
			"Gate cannot expire a key at a given time, and never deletes a sub-account.",
			"The root key can be replaced only on the website.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://www.gate.com/docs/developers/apiv4/ws/en/#authentication).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Raw:      hmac,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Unbound:  "the query is signed as it was before percent-encoding",
		Validity: validity,
		Logins: []exchanges.Channel{
			{Name: channelSpot, KeyTypes: hmac, Validity: validity, Note: "the session then places spot orders unsigned"},
			{Name: channelFutures, KeyTypes: hmac, Validity: validity, Note: "the session then places futures orders unsigned"},
		},
	}
}

// validity is how long Gate accepts what was signed.
const validity = time.Minute
