// Package deribit mints API keys of Deribit sub-accounts (JSON-RPC over HTTP, API
// v2).
//
// A key is born in the account that the caller acts for. A root key of the main
// account therefore reaches a sub-account by exchanging its login into it (variant
// "main"), and a root key of the sub-account itself mints directly (variant
// "direct"). Where the user has two-factor authentication, Deribit guards making,
// editing and listing keys with one-time codes (second_factor.go); removing a key
// needs none.
//
// Facts come from Deribit's API documentation, articles "Authentication", "Access
// Scope", "Security Keys" and "Managing Subaccounts via API" and the reference of
// account management
// (https://docs.deribit.com/api-reference/account-management/private-create_api_key).
package deribit

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// Deribit is the exchange.
type Deribit struct{}

// New returns the exchange.
func New() Deribit { return Deribit{} }

// name is the exchange's name.
const name = "deribit"

// The variants.
const (
	variantMain   = "main"
	variantDirect = "direct"
)

// The operations that only Deribit has.
const (
	opLogIn   exchanges.Operation = "log_in"
	opBindKey exchanges.Operation = "bind_key_to_addresses"
)

// maxKeys is the most keys an account or sub-account holds, including the root key
// where it lives there.
const maxKeys = 8

// Describe implements [exchanges.Exchange].
func (Deribit) Describe() exchanges.Description {
	const root = "with account:read_write and every scope that roles are to give, restricted to the Vault servers' " +
		"addresses; and totp_secret, if the user has two-factor authentication"
	return exchanges.Description{
		Name:          name,
		DisplayName:   "Deribit",
		Documentation: "https://docs.deribit.com/api-reference/account-management/private-create_api_key",
		CCXT: exchanges.CCXT{Class: "deribit", Unusable: map[exchanges.KeyType]string{
			exchanges.KeyEd25519: "it signs for Deribit with HMAC only",
		}},
		Environments: []exchanges.Environment{
			{Name: "production", BaseURL: "https://www.deribit.com", Streams: map[string]string{"api": "wss://www.deribit.com/ws/api/v2"}},
			{
				Name: "test", BaseURL: "https://test.deribit.com", CCXT: exchanges.CCXTSandbox(), Note: "accounts and keys of its own, open to everyone",
				Streams: map[string]string{"api": "wss://test.deribit.com/ws/api/v2"},
			},
		},
		Credentials: []exchanges.CredentialForm{
			{Name: "hmac", Fields: []string{"api_key", "api_secret"}, Note: "client id and client secret of an API key " + root},
			{
				Name: "ed25519", Fields: []string{"api_key", "private_key"},
				Note: "the same as an asymmetric (Ed25519) key. Deribit documents its login for WebSocket; over HTTP it is not verified",
			},
		},
		Variants:     []exchanges.Variant{describeMain(), describeDirect()},
		RootRotation: true,
		Notes: []string{
			"An account holds at most 8 keys, including the root key where it lives there.",
			"If the user has two-factor authentication, making a key takes one one-time code, or two if it has addresses; Deribit " +
				"takes one code per 30 seconds. Such roles need max_wait=60s. Deleting a key takes no code.",
			"A key that can trade can trade every product: Deribit has one scope for spot, futures and options.",
			"Balances need the native permission account:read, with which a key may be able to read the secrets of other keys of its account.",
			"The root key must hold every scope of its roles' keys for as long as these live: Deribit refuses to touch a key that exceeds the caller.",
		},
	}
}

func describeMain() exchanges.Variant {
	v := describe()
	v.Name = variantMain
	v.Summary = "a root key of the main account, which reaches every sub-account by exchanging its login"
	v.KeysPerSubAccount = maxKeys
	return v
}

func describeDirect() exchanges.Variant {
	v := describe()
	v.Name = variantDirect
	v.Summary = "a root key of a sub-account, which mints only in that sub-account"
	v.KeysPerSubAccount = maxKeys - 1
	return v
}

// describe returns what the variants share. RSA keys are left out, since their
// signatures are not documented.
func describe() exchanges.Variant {
	return exchanges.Variant{
		SubAccountNaming: "number (account id)",
		Permissions:      permissions(),
		KeyTypes:         []exchanges.KeyType{exchanges.KeyHMAC, exchanges.KeyEd25519},
		Label:            exchanges.LabelRule{MaxLength: 16},
		Addresses:        exchanges.AddressRule{Note: "a key without addresses works from anywhere and has no expiry of its own"},
		Signing:          signing(),
		RateLimits: []exchanges.RateLimit{
			// Deribit counts credits: 20 requests a second on each
			// sub-account, and 100 at once.
			{Operation: exchanges.OpAny, Requests: 100, Per: 5 * time.Second},
			// Each code is accepted once.
			{Operation: exchanges.OpOneTimeCode, Requests: 1, Per: rest.OneTimeCodePeriod, Fixed: true},
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://docs.deribit.com/articles/authentication). A key pair does not sign requests:
// over HTTP it logs in, and the token from that is all that anybody needs.
func signing() exchanges.Signing {
	return exchanges.Signing{
		Requests: []exchanges.KeyType{exchanges.KeyHMAC},
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Validity: validity,
		Once:     true,
		Logins: []exchanges.Channel{{
			Name: "api", KeyTypes: []exchanges.KeyType{exchanges.KeyHMAC, exchanges.KeyEd25519}, Validity: validity,
			Note: "the session then places orders unsigned; its answer holds a token, which is bound to that session",
		}},
		RequestsLogIn: "a login signs time, nonce and any data, which may be method, path and body as a request signs them",
		Logons:        []exchanges.KeyType{exchanges.KeyHMAC},
	}
}

// validity is how long Deribit accepts what was signed.
const validity = time.Minute
