// Package binance mints API keys of Binance sub-accounts.
//
// Binance has two surfaces for that: a plain master account uses the sub-account
// API (variant "master", account_master.go), a partner account the Exchange Link
// API (variant "link", account_link.go). They differ in paths, parameters, how they
// name a sub-account and the shape of answers. An account can use only one of them.
//
// Facts come from Binance's API documentation, sections "Sub Account", "Binance
// Link", "Wallet" and "Request Security"
// (https://developers.binance.com/docs/sub_account).
package binance

import (
	"slices"
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// Binance is the exchange.
type Binance struct{}

// New returns the exchange.
func New() Binance { return Binance{} }

// The variants.
const (
	variantMaster = "master"
	variantLink   = "link"
)

// keysPerSubAccount is how many keys a sub-account can create, as Binance's FAQ on
// sub-accounts says
// (https://www.binance.com/en/support/faq/binance-sub-account-functions-and-frequently-asked-questions-360020632811).
const keysPerSubAccount = 30

// The operations that only Binance has.
const (
	opRestrictKey exchanges.Operation = "restrict_key_to_addresses"
	opPermitKey   exchanges.Operation = "add_permission_to_key"
)

// Describe implements [exchanges.Exchange].
func (Binance) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "binance",
		DisplayName:   "Binance",
		Documentation: "https://developers.binance.com/docs/sub_account",
		CCXT:          exchanges.CCXT{Class: "binance"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.binance.com",
				Hosts:   []string{"fapi.binance.com", "dapi.binance.com", "papi.binance.com"},
				Streams: map[string]string{channelAPI: "wss://ws-api.binance.com:443/ws-api/v3", channelUserData: "wss://ws-api.binance.com:443/ws-api/v3"},
			},
			{Name: "gcp", BaseURL: "https://api-gcp.binance.com", Note: "equivalent to production"},
		},
		Credentials: []exchanges.CredentialForm{
			{
				Name: "ed25519", Fields: []string{"api_key", "private_key"},
				Note: "an API key of a master account for which Binance has enabled the sub-account function, or of an Exchange Link " +
					"account, with the option Enable Spot & Margin Trading and without any withdrawal or transfer option, restricted " +
					"to the Vault servers' addresses; self-generated as Ed25519, which Binance recommends",
			},
			{Name: "rsa", Fields: []string{"api_key", "private_key"}, Note: "the same, self-generated as RSA"},
			{Name: "hmac", Fields: []string{"api_key", "api_secret"}, Note: "the same, system-generated, which Binance calls deprecated"},
		},
		Variants: []exchanges.Variant{describeMaster(), describeLink()},
		Notes: []string{
			"A minted key can never withdraw: no parameter of the API grants that.",
			"Binance does not separate spot orders from margin orders: trade:spot and trade:margin are granted only together. " +
				"A role that is not to borrow names canTrade in native_permissions instead.",
			"Binance documents neither how soon a new key starts to work nor how soon a deleted one stops. A session of the " +
				"WebSocket API that is logged in with a deleted key ends at its next request.",
			"The root key can be replaced only on the website.",
			"The spot testnet and demo mode have no call of the sub-account API, so there is no sandbox.",
		},
	}
}

func describeMaster() exchanges.Variant {
	return exchanges.Variant{
		Name:             variantMaster,
		Summary:          "a master account for which Binance has enabled the sub-account function; needs no partner agreement",
		SubAccountNaming: "e-mail",
		FoldNames:        true,
		Permissions:      masterPermissions(),
		KeyTypes:         []exchanges.KeyType{exchanges.KeyHMAC, exchanges.KeyEd25519},
		// The FAQ speaks of keys made on the website; nothing exempts those of the API.
		KeysPerSubAccount: keysPerSubAccount,
		// Neither length nor alphabet is documented, so labels are kept short.
		Label:     exchanges.LabelRule{MaxLength: 20, Hyphens: true},
		Addresses: addressRule(500),
		MaskedIDs: true,
		RateLimits: []exchanges.RateLimit{
			{Operation: exchanges.OpInspect, Requests: 12000, Per: time.Minute},
			{Operation: exchanges.OpSubAccounts, Requests: 12000, Per: time.Minute},
			{Operation: exchanges.OpCreateKey, Requests: 60, Per: time.Minute},
			{Operation: exchanges.OpListKeys, Requests: 60, Per: time.Minute},
			{Operation: exchanges.OpDeleteKey, Requests: 60, Per: time.Minute},
		},
		Signing: signing(exchanges.KeyHMAC, exchanges.KeyEd25519),
	}
}

// describeLink offers no HMAC keys. Exchange Link keys have no label, and lists may
// show them masked, so a key whose create answer was lost can be neither found nor
// named. Made with our public key, such an orphan is inert: the only private half
// was ours, and is forgotten. The alternative, one create at a time with a
// comparison of the lists before and after, fails when anyone else mints on the
// same sub-account.
func describeLink() exchanges.Variant {
	return exchanges.Variant{
		Name:             variantLink,
		Summary:          "an Exchange Link (broker) account, after a signed partner agreement with Binance",
		SubAccountNaming: "number (sub-account ID)",
		Permissions:      linkPermissions(),
		KeyTypes:         []exchanges.KeyType{exchanges.KeyEd25519},
		Addresses:        addressRule(0),
		MaskedIDs:        true,
		RateLimits: []exchanges.RateLimit{
			{Operation: exchanges.OpInspect, Requests: 12000, Per: time.Minute},
			{Operation: exchanges.OpSubAccounts, Requests: 12000, Per: time.Minute},
			// This applies besides the 60 a minute in all: one a second on each
			// sub-account.
			{Operation: exchanges.OpCreateKey, Requests: 1, Per: time.Second},
			{Operation: opRestrictKey, Requests: 60, Per: time.Minute},
			{Operation: opPermitKey, Requests: 60, Per: time.Minute},
			{Operation: exchanges.OpListKeys, Requests: 60, Per: time.Minute},
			{Operation: exchanges.OpDeleteKey, Requests: 1, Per: time.Second},
		},
		Signing: signing(exchanges.KeyEd25519),
	}
}

func addressRule(maxLength int) exchanges.AddressRule {
	return exchanges.AddressRule{
		MaxLength: maxLength,
		Note:      "a key without addresses may lose its trade permissions at Binance, and may be deleted after 30 idle days",
	}
}

// signing returns what a signature by a minted key is good for
// (https://developers.binance.com/docs/binance-spot-api-docs/websocket-api/session-authentication).
// Only Ed25519 keys open sessions, of the WebSocket API and of FIX.
func signing(types ...exchanges.KeyType) exchanges.Signing {
	s := exchanges.Signing{
		Requests: types,
		Raw:      types,
		Binds:    []exchanges.Part{exchanges.PartQuery, exchanges.PartBody},
		Unbound:  "a signed GET that lists open orders cancels them all if it is sent as a DELETE",
		Validity: 5 * time.Second,
		Replaced: []string{"timestamp", "recvWindow", "signature"},
		Logins: []exchanges.Channel{
			{Name: channelAPI, KeyTypes: []exchanges.KeyType{exchanges.KeyEd25519}, Validity: 5 * time.Second, Note: "the session then places orders unsigned"},
			{Name: channelUserData, KeyTypes: types, Validity: 5 * time.Second, Note: "subscribes to what happens in the account, and can do nothing"},
		},
		// The WebSocket API takes the same signature over parameters that name the key.
		LoginParameters: []string{"apiKey"},
	}
	if slices.Contains(types, exchanges.KeyEd25519) {
		s.Logons = []exchanges.KeyType{exchanges.KeyEd25519}
	}
	return s
}
