// Package orderly registers Orderly keys of sub-accounts at Orderly Network.
//
// Facts come from Orderly's documentation, pages "Wallet Authentication", "API
// Authentication", "Error Codes" and those of the calls below "RESTful API"
// (https://orderly.network/docs/build-on-omnichain/user-flows/wallet-authentication).
package orderly

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Orderly is the exchange.
type Orderly struct{}

// New returns the exchange.
func New() Orderly { return Orderly{} }

// The operations that only Orderly has.
const (
	opOwnKey      exchanges.Operation = "make_signing_key"
	opTryOwnKey   exchanges.Operation = "try_signing_key"
	opRestrictKey exchanges.Operation = "restrict_key"
)

// testnet is the environment that is not Orderly's main network.
const testnet = "testnet"

// Chains on which wallets sign: any that Orderly supports will do, and it has
// supported these from the start.
const (
	chainArbitrum        = 42161
	chainArbitrumSepolia = 421614
)

// settling is how long a key may take to appear, to work, or to be gone, after
// Orderly has confirmed it. It is not documented, so it is long.
const settling = 30 * time.Second

// maxLifetime is how far ahead a key's expiry may lie.
const maxLifetime = 365 * 24 * time.Hour

// Describe implements [exchanges.Exchange].
func (Orderly) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "orderly",
		DisplayName:   "Orderly Network",
		Documentation: "https://orderly.network/docs/build-on-omnichain/user-flows/wallet-authentication",
		CCXT:          exchanges.CCXT{Class: "woofipro", AccountID: true},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.orderly.org",
				Streams: map[string]string{"private": "wss://ws-private-evm.orderly.org/v2/ws/private/stream/"},
			},
			{
				Name: testnet, BaseURL: "https://testnet-api.orderly.org", CCXT: exchanges.CCXTSandbox(), Note: "accounts of its own, and not every broker",
				Streams: map[string]string{"private": "wss://testnet-ws-private-evm.orderly.org/v2/ws/private/stream/"},
			},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "wallet", Fields: []string{"private_key", "broker"},
			Note: "the private key (hexadecimal) of the wallet that is registered with the broker (builder), such as woofi_pro: it can " +
				"also sign withdrawals, so use a wallet that does nothing else; api_key may name the wallet's address, as a check",
		}},
		Variants: []exchanges.Variant{{
			Summary:          "a wallet's account with any broker of Orderly Network; needs no agreement",
			SubAccountNaming: "account id (0x and 64 hexadecimal digits)",
			FoldNames:        true,
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeyEd25519},
			Label:            exchanges.LabelRule{MaxLength: 32, Hyphens: true},
			Addresses:        exchanges.AddressRule{Note: "a key without addresses works from anywhere"},
			ListingDelay:     settling,
			NativeExpiry:     &exchanges.ExpiryRule{Granularity: time.Millisecond, Max: maxLifetime},
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpServerTime, Requests: 1, Per: time.Second},
				{Operation: exchanges.OpInspect, Requests: 10, Per: time.Second},
				{Operation: exchanges.OpSubAccounts, Requests: 10, Per: time.Second},
				{Operation: exchanges.OpCreateKey, Requests: 10, Per: time.Second},
				{Operation: opTryOwnKey, Requests: 10, Per: time.Minute},
				{Operation: opRestrictKey, Requests: 10, Per: time.Minute},
				{Operation: exchanges.OpCheckKey, Requests: 10, Per: time.Second},
				{Operation: exchanges.OpListKeys, Requests: 10, Per: time.Minute},
				{Operation: exchanges.OpDeleteKey, Requests: 10, Per: time.Second},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"The root credential is the wallet's own private key and cannot be replaced: the account is the key.",
			"A minted key can never withdraw: that takes a signature of the wallet.",
			"Keys are minted only in sub-accounts: a key of the main account acts for all of its sub-accounts.",
			"A key with read can also change leverage and other settings of its sub-account.",
			"Orderly itself expires each key at its lease's hard limit.",
			"10 keys with addresses can be made per minute, since addresses are set by a call of their own.",
			"The plugin keeps a key of the main account for itself, in memory, for at most a day; it is tagged " + managerTag + ".",
			"A revocation neither cancels orders nor closes positions.",
		},
	}
}

// NewKeyPair implements [exchanges.PairMaker]: both halves as Orderly's SDKs
// take them.
func (Orderly) NewKeyPair(exchanges.KeyType) (public string, private exchanges.Secret, err error) {
	key, err := newOrderlyKey()
	if err != nil {
		return "", "", err
	}
	return key.public, key.secret(), nil
}

// signing returns what a signature by a minted key is good for
// (https://orderly.network/docs/build-on-omnichain/evm-api/websocket-api/introduction).
func signing() exchanges.Signing {
	ed25519 := []exchanges.KeyType{exchanges.KeyEd25519}
	return exchanges.Signing{
		Requests: ed25519,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Validity: validity,
		Logins:   []exchanges.Channel{{Name: "private", KeyTypes: ed25519, Validity: validity, Note: "what happens in the account"}},
	}
}

// validity is how long Orderly accepts what was signed.
const validity = 5 * time.Minute
