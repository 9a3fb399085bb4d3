package backend

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ryanuber/go-glob"

	"vault-plugin-secrets-exchange/exchanges"
)

// connection is a parent account at an exchange: its root credential, how to
// reach it, and the guard rails that no role on it may exceed.
type connection struct {
	Exchange       string        `json:"exchange"`
	Environment    string        `json:"environment"`
	Variant        string        `json:"variant"`
	BaseURL        string        `json:"base_url"`
	Credential     credential    `json:"credential"`
	RequestTimeout time.Duration `json:"request_timeout"`
	RateMultiplier float64       `json:"rate_multiplier"`
	// RotationPeriod is how often the root key is replaced, and Rotated when
	// it was last replaced.
	RotationPeriod time.Duration `json:"rotation_period"`
	Rotated        time.Time     `json:"rotated,omitzero"`
	// Made says that the root key was made by the engine, so that nobody else has it.
	Made bool `json:"made,omitempty"`
	// Leftovers are root keys that are not in use and must be deleted.
	Leftovers leftoverRoots `json:"superseded,omitempty"`
	// Account is what the exchange called the parent account when the
	// credential was verified.
	Account string `json:"account"`
	// Lineage is set once a credential is proved to be of the account of the one that
	// it replaced; see lineage.
	Lineage string `json:"lineage,omitempty"`

	AllowedRoles         []string      `json:"allowed_roles"`
	AllowedSubAccounts   []string      `json:"allowed_sub_accounts"`
	AllowedScopes        []string      `json:"allowed_scopes"`
	RequireIPAllowlist   bool          `json:"require_ip_allowlist"`
	AllowedIPRanges      []string      `json:"allowed_ip_ranges"`
	AllowUndeletableKeys bool          `json:"allow_undeletable_keys"`
	MaxTTL               time.Duration `json:"max_ttl"`
	MaxKeysPerSubAccount int           `json:"max_keys_per_sub_account"`
	Frozen               string        `json:"frozen"`
	// ExclusiveSubAccounts says that nobody else makes keys in the allowed
	// sub-accounts, so that a reconciliation may delete every unknown one.
	ExclusiveSubAccounts bool `json:"exclusive_sub_accounts"`
}

// The values of frozen.
const (
	frozenNo      = "no"
	frozenMinting = "minting"
	frozenAll     = "all"
)

// newConnection returns a connection with the defaults.
func newConnection() connection {
	return connection{
		AllowedRoles:       []string{"*"},
		AllowedSubAccounts: []string{"*"},
		AllowedScopes:      defaultAllowedScopes().Strings(),
		RequireIPAllowlist: true,
		RateMultiplier:     1,
		Frozen:             frozenNo,
	}
}

// defaultAllowedScopes is every scope that cannot move funds.
func defaultAllowedScopes() exchanges.Scopes {
	return exchanges.NewScopes(exchanges.AllScopes()...).Without(exchanges.NewScopes(exchanges.ScopeTransfer, exchanges.ScopeWithdraw))
}

// credential is a root credential as it is stored. Unlike exchanges.Credential
// it encodes its secrets, so it prints nothing.
type credential struct {
	APIKey     string `json:"api_key"`
	APISecret  string `json:"api_secret"`
	Passphrase string `json:"passphrase"`
	PrivateKey string `json:"private_key"`
	TOTPSecret string `json:"totp_secret"`
	Broker     string `json:"broker"`
}

// Format prints nothing of the credential, whatever the verb.
func (credential) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[credential]") }

// fingerprint tells whether two credentials are the same, and nothing else about them.
func (c credential) fingerprint() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(
		[]string{c.APIKey, c.APISecret, c.Passphrase, c.PrivateKey, c.TOTPSecret, c.Broker}, "\x00"))))
}

func newCredential(c exchanges.Credential) credential {
	return credential{
		APIKey:     c.APIKey,
		APISecret:  c.APISecret.Reveal(),
		Passphrase: c.Passphrase.Reveal(),
		PrivateKey: c.PrivateKey.Reveal(),
		TOTPSecret: c.TOTPSecret.Reveal(),
		Broker:     c.Broker,
	}
}

func (c credential) reveal() exchanges.Credential {
	return exchanges.Credential{
		APIKey:     c.APIKey,
		APISecret:  exchanges.Secret(c.APISecret),
		Passphrase: exchanges.Secret(c.Passphrase),
		PrivateKey: exchanges.Secret(c.PrivateKey),
		TOTPSecret: exchanges.Secret(c.TOTPSecret),
		Broker:     c.Broker,
	}
}

// options is how the exchange is reached.
func (c connection) options() exchanges.Options {
	return exchanges.Options{
		Environment:    c.Environment,
		Variant:        c.Variant,
		BaseURL:        c.BaseURL,
		Timeout:        c.RequestTimeout,
		RateMultiplier: c.RateMultiplier,
		Account:        c.Account,
		UserAgent:      userAgent,
	}
}

// userAgent lets an exchange's support see who is calling.
const userAgent = "vault-plugin-secrets-exchange"

// sameAccess reports whether both reach the same place with the same
// credential.
func (c connection) sameAccess(other connection) bool {
	return c.Credential == other.Credential && c.Exchange == other.Exchange && c.Environment == other.Environment &&
		c.Variant == other.Variant && c.BaseURL == other.BaseURL
}

// samePlace reports whether both reach the same place, with whatever credential.
func (c connection) samePlace(other connection) bool {
	other.Credential = c.Credential
	return c.sameAccess(other)
}

// allowsRole reports whether a role of that name may use the connection.
func (c connection) allowsRole(name string) bool { return matches(c.AllowedRoles, name) }

func matches(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return glob.Glob(g, name) })
}

// checkGrant refuses scopes and native permissions beyond the guard rails.
func (c connection) checkGrant(variant exchanges.Variant, grant exchanges.Grant) error {
	for _, scope := range grant.Scopes {
		if !scope.NamedBy(c.AllowedScopes) {
			return invalid("scopes", "%s is not allowed on this connection, which allows %s; ask whoever manages it to widen allowed_scopes", scope, strings.Join(c.AllowedScopes, ", "))
		}
	}
	for _, p := range variant.Permissions {
		if p.Beyond && slices.Contains(grant.Permissions, p.Name) && !slices.Contains(c.AllowedScopes, p.Name) {
			return invalid("native_permissions", "%s goes beyond the canonical scopes, so the connection must name it in allowed_scopes", p.Name)
		}
	}
	return nil
}

// needsAddresses reports whether a key of that risk must be bound to addresses.
func (c connection) needsAddresses(risk exchanges.Risk) bool {
	return c.RequireIPAllowlist && risk != exchanges.RiskMinimal
}

// checkRanges refuses addresses outside the connection's allowed_ip_ranges.
func (c connection) checkRanges(field string, addresses []string) error {
	for _, address := range addresses {
		if len(c.AllowedIPRanges) > 0 && !within([]string{address}, c.AllowedIPRanges) {
			return invalid(field, "%s is not allowed on this connection, whose allowed_ip_ranges are %s", address, strings.Join(c.AllowedIPRanges, ", "))
		}
	}
	return nil
}

// keyCap is how many keys of ours one sub-account may hold; 0 for no cap.
func (c connection) keyCap(variant exchanges.Variant) int {
	if c.MaxKeysPerSubAccount > 0 && (variant.KeysPerSubAccount == 0 || c.MaxKeysPerSubAccount < variant.KeysPerSubAccount) {
		return c.MaxKeysPerSubAccount
	}
	return variant.KeysPerSubAccount
}
