// Package hyperliquid approves agent wallets (API wallets) of Hyperliquid
// accounts.
//
// Facts come from Hyperliquid's API documentation, pages "Nonces and API
// wallets", "Exchange endpoint", "Info endpoint" and "Rate limits and user
// limits" (https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api).
package hyperliquid

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/wallet"
)

// Hyperliquid is the exchange.
type Hyperliquid struct{}

// New returns the exchange.
func New() Hyperliquid { return Hyperliquid{} }

// opApprove names the limit that creations and deletions share: both are the
// same action of the account.
const opApprove exchanges.Operation = "approve_agent"

// coolDown is how long an account refuses any approval after an agent was removed.
// Hyperliquid does not document it; 4 to 5 seconds were observed.
const coolDown = 5 * time.Second

// listingDelay is how long a removed agent may still be listed and work. It is not
// documented; 1.5 seconds were observed.
const listingDelay = 2 * time.Second

// testnet is the environment that is not Hyperliquid's main chain.
const testnet = "testnet"

// maxLifetime is how far ahead an agent's expiry may lie.
const maxLifetime = 180 * 24 * time.Hour

// Describe implements [exchanges.Exchange].
func (Hyperliquid) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "hyperliquid",
		DisplayName:   "Hyperliquid",
		Documentation: "https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets",
		CCXT:          exchanges.CCXT{Class: "hyperliquid", Wallet: true},
		Environments: []exchanges.Environment{
			{Name: "production", BaseURL: "https://api.hyperliquid.xyz"},
			{Name: testnet, BaseURL: "https://api.hyperliquid-testnet.xyz", CCXT: exchanges.CCXTSandbox(), Note: "accounts and funds of its own"},
		},
		Credentials: []exchanges.CredentialForm{{
			Name: "wallet", Fields: []string{"private_key"},
			Note: "the private key (hexadecimal) of the wallet that is the account: full custody of all its funds, so use a wallet " +
				"that holds only trading collateral, and one connection for it; api_key may name the wallet's address, as a check",
		}},
		Variants: []exchanges.Variant{{
			Summary:          "an account that has deposited; needs no agreement",
			SubAccountNaming: "address of the account itself: its agents also act for all of its sub-accounts",
			FoldNames:        true,
			Permissions:      permissions(),
			KeyTypes:         []exchanges.KeyType{exchanges.KeySecp256k1},
			Label:            exchanges.LabelRule{MaxLength: 16},
			Addresses:        exchanges.AddressRule{None: true, Note: "an agent works from anywhere"},
			NativeExpiry:     &exchanges.ExpiryRule{Granularity: time.Millisecond, Max: maxLifetime},
			RevocationDelay:  listingDelay,
			ListingDelay:     listingDelay,
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpAny, Requests: 1200, Per: time.Minute},
				// This limit is not documented. It is our own, so that nonces
				// arrive in order and one removal has ended before the next begins.
				{Operation: opApprove, Requests: 1, Per: time.Second, Serial: true},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"The root credential is the wallet's own private key and cannot be replaced: the account is the key.",
			"An account has 3 named agents, and 2 more for each sub-account; agents that others made count too. The slots limit how many leases can live at a time.",
			"An agent has no scopes: it always trades everything on the account and its sub-accounts, moves funds among them and deposits into vaults. It never withdraws, sends to others, or approves agents.",
			"The expiry that an agent is given at Hyperliquid may take effect late (15 minutes were observed), so it is only a safety net: agents are removed when the lease ends.",
			"After each removal the account refuses approvals for about 5 seconds: revoking many leases takes 5 seconds each.",
			"A revocation neither cancels orders nor closes positions.",
		},
	}
}

// NewKeyPair implements [exchanges.PairMaker]: the public half is the agent's
// address, the private half the key in hexadecimal, as Hyperliquid's SDKs take it.
// Each agent has a key of its own. After a removal Hyperliquid forgets which orders
// were signed, so the orders of a reused key could be replayed.
func (Hyperliquid) NewKeyPair(exchanges.KeyType) (public string, private exchanges.Secret, err error) {
	key, err := wallet.NewKey()
	if err != nil {
		return "", "", err
	}
	return key.Address().String(), key.Secret(), nil
}

// signing returns what a signature by a minted key is good for
// (https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets).
// A signed action may be sent over the WebSocket as well, which takes no login.
func signing() exchanges.Signing {
	return exchanges.Signing{
		Requests: []exchanges.KeyType{exchanges.KeySecp256k1},
		Binds:    []exchanges.Part{exchanges.PartBody},
		Unbound:  "everything is one path, and the body is the action: nothing else is there to change. Set expiresAfter in the body, or the signature lasts for days",
		Validity: 48 * time.Hour,
		Once:     true,
		Actions:  true,
	}
}
