// Package htx mints API keys of sub-users of HTX (formerly Huobi).
//
// Facts come from HTX's API documentation, sections "Access and
// Authentication" and "Sub User Management"
// (https://huobiapi.github.io/docs/spot/v1/en/).
package htx

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
	"vault-plugin-secrets-exchange/exchanges/rest"
)

// HTX is the exchange.
type HTX struct{}

// New returns the exchange.
func New() HTX { return HTX{} }

// Describe implements [exchanges.Exchange].
func (HTX) Describe() exchanges.Description {
	return exchanges.Description{
		Name:          "htx",
		DisplayName:   "HTX",
		Documentation: "https://huobiapi.github.io/docs/spot/v1/en/#sub-user-api-key-creation",
		CCXT:          exchanges.CCXT{Class: "htx"},
		Environments: []exchanges.Environment{
			{
				Name: "production", BaseURL: "https://api.huobi.pro", Hosts: []string{"api.hbdm.com"},
				Streams: map[string]string{channelSpot: "wss://api.huobi.pro" + pathSpotStream, channelLinearSwap: "wss://api.hbdm.com" + pathLinearSwapStream},
			},
			{
				Name: "aws", BaseURL: "https://api-aws.huobi.pro", Note: "equivalent to production, for clients on AWS",
				Streams: map[string]string{channelSpot: "wss://api-aws.huobi.pro" + pathSpotStream},
			},
		},
		Credentials: []exchanges.CredentialForm{
			{
				Name: "ed25519", Fields: []string{"api_key", "private_key"},
				Note: "an API key of the parent user with the permissions Read and Trade and without Withdraw, bound to the Vault " +
					"servers' addresses, self-generated as Ed25519; and totp_secret, if HTX asks for the parent user's one-time code",
			},
			{Name: "hmac", Fields: []string{"api_key", "api_secret"}, Note: "the same, system-generated"},
		},
		Variants: []exchanges.Variant{{
			Summary:           "a parent user; needs no partner agreement",
			SubAccountNaming:  "number (sub-user UID)",
			Permissions:       permissions(),
			KeyTypes:          []exchanges.KeyType{exchanges.KeyHMAC},
			KeysPerSubAccount: 20,
			Label:             exchanges.LabelRule{MaxLength: 255, Hyphens: true},
			Addresses: exchanges.AddressRule{
				Max: 20, IPv6: true, CIDR: true,
				Note: "networks are IPv4 only; a key without addresses expires after 90 days",
			},
			RateLimits: []exchanges.RateLimit{
				{Operation: exchanges.OpAny, Requests: 10, Per: time.Second},
				// Only connections with totp_secret draw on it.
				{Operation: exchanges.OpOneTimeCode, Requests: 1, Per: rest.OneTimeCodePeriod, Fixed: true},
			},
			Signing: signing(),
		}},
		Notes: []string{
			"A key either only reads, or trades every product that the sub-user may trade and moves its funds: HTX has nothing narrower.",
			"A sub-user's key can never withdraw.",
			"With totp_secret, one key is minted per 30 seconds, since each one-time code is used once; revoking needs no code.",
			"The root key can be replaced only on the website; one without addresses expires after 90 days.",
			"There is no testnet.",
		},
	}
}

// signing returns what a signature by a minted key is good for
// (https://huobiapi.github.io/docs/spot/v1/en/#authentication-2).
func signing() exchanges.Signing {
	hmac := []exchanges.KeyType{exchanges.KeyHMAC}
	return exchanges.Signing{
		Requests: hmac,
		Binds:    []exchanges.Part{exchanges.PartMethod, exchanges.PartHost, exchanges.PartPath, exchanges.PartQuery},
		Unbound:  "a signature for placing one order can place any other",
		Validity: validity,
		Replaced: []string{"AccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Signature"},
		Logins: []exchanges.Channel{
			{Name: channelSpot, KeyTypes: hmac, Validity: validity, Note: "the session then places spot orders unsigned"},
			{Name: channelLinearSwap, KeyTypes: hmac, Validity: validity, Note: "what happens in the derivatives account"},
		},
		LoginRequests: loginRequests(),
	}
}

// validity is how long HTX accepts what was signed.
const validity = 5 * time.Minute
