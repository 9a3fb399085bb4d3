// Package bingx mints API keys of BingX sub-accounts.
//
// BingX's documents disagree on some names, and BingX may show keys masked. The
// package reads either name, looks at every new key again before handing it out,
// and proves deletions by asking for the single key by its full name.
//
// Facts come from BingX's API documentation, sections "Sub-account", "Account",
// "Authentication" and "Error Codes" (https://bingx-api.github.io/docs), from its
// page on API management (https://bingx.com/en-gb/account/api), and from its own
// text for assistants (https://github.com/BingX-API/api-ai-skills).
package bingx

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// BingX is the exchange.
type BingX struct{}

// New returns the exchange.
func New() BingX { return BingX{} }

// The operation that only BingX has.
const opAccount exchanges.Operation = "ask_for_account"

// keysPerSubAccount is BingX's cap of keys per account, which applies to
// sub-accounts too.
const keysPerSubAccount = 20

// Describe implements [exchanges.Exchange].
func (BingX) Describe() exchanges.Description {
	limit := func(operation exchanges.Operation, perSecond int) exchanges.RateLimit {
		return exchanges.RateLimit{Operation: operation, Requests: perSecond, Per: time.Second}
	}
	return exchanges.Description{
		Name:          "bingx",
		DisplayName:   "BingX",
		Documentation: "https://bingx-api.github.io/docs",
		CCXT:          exchanges.CCXT{Class: "bingx"},
		Environments: []exchanges.Environment{
			{Name: "production", BaseURL: "https://open-api.bingx.com"},
			{Name: "pro", BaseURL: "https://open-api.bingx.pro", CCXT: exchanges.CCXTDomain("bingx.pro"), Note: "the same system at another host, for when the first cannot be reached"},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "a key of the main account with the permissions Read and Manage Subaccounts and without Withdraw, " +
				"bound to the Vault servers' addresses",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a main account with sub-accounts; needs no broker agreement",
			SubAccountNaming:  "number",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: keysPerSubAccount,
			// The length is not documented; this one is cautious.
			Label: exchanges.LabelRule{MaxLength: 16, Hyphens: true},
			Addresses: exchanges.AddressRule{
				Max:  20,
				Note: "BingX removes a key without addresses after 14 days without use, unless it may only read",
			},
			MaskedIDs: true,
			RateLimits: []exchanges.RateLimit{
				// Where BingX's documents differ, the smaller number applies.
				limit(exchanges.OpInspect, 2), limit(opAccount, 10), limit(exchanges.OpSubAccounts, 1),
				limit(exchanges.OpCreateKey, 5), limit(exchanges.OpListKeys, 5), limit(exchanges.OpDeleteKey, 5),
			},
			Signing: signing(),
		}},
		Notes: []string{
			"BingX may list keys masked. A key whose create answer was lost is then found but cannot be deleted through the API: " +
				"the ledger keeps it as pending, and its last_error says what to delete on BingX's website. Nobody holds its secret.",
			"BingX does not say whether a root key has Manage Subaccounts; that shows with the first key.",
			"BingX is not known to separate spot from margin: trade:spot and trade:margin are granted only together.",
			"BingX removes a root key without addresses after 14 days without use.",
			"BingX cannot expire a key at a given time. The root key can be replaced only on the website.",
			"There is no testnet for sub-account keys.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://bingx-api.github.io/docs, section "Listen Key").
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartQuery, exchanges.PartBody},
		Validity: 5 * time.Second,
		Replaced: []string{timestampName, signatureName},
		Logins: []exchanges.Channel{{
			Name: "user_data", KeyTypes: hmac, Request: loginRequest, Validity: 5 * time.Second,
			Note: "send the request; its answer has a listenKey for the URL: wss://open-api-swap.bingx.com/swap-market?listenKey=<listenKey>",
		}},
		LoginRequests: []string{loginRequest},
		RequestsLogIn: "a signature covers neither method nor path: with that of a request without a body, whoever has it can ask " +
			"for a listenKey, and with that of a GET that lists open orders cancel them all, by DELETE",
	}
}

// loginRequest asks for a listenKey, with which the user data stream is opened.
const loginRequest = "POST /openApi/user/auth/userDataStream"
