// Package coinex mints API keys of CoinEx sub-accounts (API v2).
//
// Facts come from CoinEx's API documentation, sections "Guide", "Authentication",
// "Rate limit" and "Sub-account"
// (https://docs.coinex.com/api/v2/account/subs/http/create-sub-api). The call that
// shows a single key (get-sub-api) is never made: it is documented to show the
// key's secret again.
package coinex

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// CoinEx is the exchange.
type CoinEx struct{}

// New returns the exchange.
func New() CoinEx { return CoinEx{} }

// keysPerSubAccount is CoinEx's cap.
const keysPerSubAccount = 50

// activationDelay is how long a new key may take, by CoinEx's help centre.
const activationDelay = 10 * time.Minute

// Describe implements [exchanges.Exchange].
func (CoinEx) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "coinex",
		DisplayName:   "CoinEx",
		Documentation: "https://docs.coinex.com/api/v2/account/subs/http/create-sub-api",
		CCXT:          exchanges.CCXT{Class: "coinex"},
		Environments: []exchanges.Environment{{
			Name: "production", BaseURL: "https://api.coinex.com",
			Streams: map[string]string{"spot": "wss://socket.coinex.com/v2/spot", "futures": "wss://socket.coinex.com/v2/futures"},
		}},
		Credentials: []exchanges.CredentialForm{{
			Name: "hmac", Fields: []string{"api_key", "api_secret"},
			Note: "an API key (access ID and secret key) of the main account without any right to withdraw, " +
				"bound to the Vault servers' addresses; it may be able to read the secrets of its sub-accounts' keys",
		}},
		Variants: []exchanges.Variant{{
			Summary:           "a main account; needs no broker agreement",
			SubAccountNaming:  "name",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: keysPerSubAccount,
			Label:             exchanges.LabelRule{MaxLength: 50, Hyphens: true},
			Addresses: exchanges.AddressRule{
				Max:  50,
				Note: "CoinEx expires a key without addresses after three months",
			},
			ActivationDelay: activationDelay,
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpAny, Requests: 10, Per: time.Second},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"CoinEx may not know a new key for up to 10 minutes. A mint waits for it as long as the role's max_wait allows; the answer's field ready says whether it was accepted.",
			"A key either only reads, or trades every product that its sub-account may trade and moves funds between its accounts: CoinEx has nothing narrower.",
			"A sub-account must have been given the API permission on CoinEx's website; a key trades no more than its sub-account may.",
			"Whoever holds the root key may be able to read the secrets of all keys of sub-accounts: CoinEx documents a call that shows them again.",
			"CoinEx does not show what the root key may do, whose it is, or to which addresses it is bound; one without addresses expires after three months.",
			"A minted key can never withdraw.",
			"CoinEx cannot expire a key at a given time. The root key can be replaced only on the website.",
			"There is no testnet.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://docs.coinex.com/api/v2/authorization).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartPath, exchanges.PartQuery, exchanges.PartBody},
		Validity: 5 * time.Second,
		Logins: []exchanges.Channel{
			{Name: "spot", KeyTypes: hmac, Note: "what happens in the spot account"},
			{Name: "futures", KeyTypes: hmac, Note: "what happens in the futures account"},
		},
	}
}
