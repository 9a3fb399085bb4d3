package exchanges

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Description is what is known of an exchange. It is shown to operators by
// exchanges/:name, is the source of docs/exchanges, and is what the engine
// checks roles against.
type Description struct {
	// Name is the word in a connection's exchange field: "bybit".
	Name string
	// DisplayName is the exchange's own spelling: "Bybit".
	DisplayName string
	// Documentation is the exchange's page on sub-account keys.
	Documentation string
	// Environments that the exchange runs; the first is the default.
	Environments []Environment
	// Credentials are the forms a root credential may take.
	Credentials []CredentialForm
	// Variants are the kinds of parent account, which differ in what their
	// API can do. There is at least one; the first is the default.
	Variants []Variant
	// RootRotation says whether the root credential can be replaced through
	// the API.
	RootRotation bool
	// Notes are facts that an operator should know.
	Notes []string
}

// Environment is one of an exchange's systems.
type Environment struct {
	// Name is the word in a connection's environment field: "testnet".
	Name string
	// BaseURL is where the root credential is used.
	BaseURL string
	// KeyBaseURL is where a minted key is used; empty means BaseURL.
	KeyBaseURL string
	// Note says what an operator must know of it.
	Note string
}

// CredentialForm is one set of fields that together are a root credential.
type CredentialForm struct {
	// Name of the form: "hmac", "rsa", "ed25519".
	Name string
	// Fields of a connection that it needs.
	Fields []string
	// Note says where such a credential is made and what rights it needs.
	Note string
}

// KeyType is the signature scheme of a minted key.
type KeyType string

// The key types. KeyBearer signs nothing: it is a token that is sent as it is.
// For the asymmetric ones the plugin makes the pair, and the exchange never sees
// the private half.
const (
	KeyHMAC    KeyType = "hmac"
	KeyBearer  KeyType = "bearer"
	KeyEd25519 KeyType = "ed25519"
	KeyRSA     KeyType = "rsa"
	// KeySecp256k1 is the key of an Ethereum wallet.
	KeySecp256k1 KeyType = "secp256k1"
)

// Asymmetric reports whether a key of that type is a pair.
func (t KeyType) Asymmetric() bool { return t != KeyHMAC && t != KeyBearer }

// Variant is what one kind of parent account can do.
type Variant struct {
	// Name is the word in a connection's variant field; empty where the
	// exchange has only one.
	Name string
	// Summary says which accounts are of this variant.
	Summary string
	// SubAccountNaming says what names a sub-account: "name", "number", "e-mail".
	SubAccountNaming string
	// FoldNames says that names of sub-accounts are the same whatever their case,
	// such as addresses in hexadecimal.
	FoldNames bool
	// Permissions is the exchange's vocabulary.
	Permissions []Permission
	// KeyTypes that a minted key can have; the first is the default.
	KeyTypes []KeyType
	// KeysPerSubAccount is the exchange's cap; zero where none is documented.
	KeysPerSubAccount int
	Label             LabelRule
	Addresses         AddressRule
	// Passphrase is set where keys have one.
	Passphrase *PassphraseRule
	// NativeExpiry is set where the exchange itself can end a key.
	NativeExpiry *ExpiryRule
	// ActivationDelay is how long a new key may take before the exchange
	// accepts it; zero where it is documented to act at once, or not
	// documented. Accounts of such a variant are a [Prober].
	ActivationDelay time.Duration
	// RevocationDelay is how long a deleted key may go on working; zero
	// where deletion is documented to act at once.
	RevocationDelay time.Duration
	// ListingDelay is how long the exchange may go on listing a key after it has
	// confirmed the deletion; zero where it is documented to drop it at once, or
	// not documented.
	ListingDelay time.Duration
	// MaskedIDs says that keys may be listed with part of their id hidden
	// ([KeyInfo.Masked]). Accounts of such a variant are a [KeyChecker].
	MaskedIDs bool
	// NoDeletion is set where the exchange's API cannot delete a key, and says
	// what revocation does instead. Keys are only minted there if the
	// connection allows it.
	NoDeletion string
	// Unlisted is set where the exchange lists no keys, and says what becomes of
	// one whose create answer was lost. There, keys end by themselves with their
	// first lease ([Variant.NativeExpiry]), which therefore cannot be renewed.
	// Accounts of such a variant are a [KeyChecker].
	Unlisted string
	// RateLimits are the documented limits that bound minting and revoking.
	RateLimits []RateLimit
}

// LabelRule is what the exchange takes as a key's label.
type LabelRule struct {
	// MaxLength in bytes; zero means that keys have no label, so that a key
	// whose create answer was lost cannot be found by it.
	MaxLength int
	// Hyphens says whether "-" is allowed besides ASCII letters and digits.
	Hyphens bool
}

// AddressRule is what the exchange takes as a key's IP allowlist.
type AddressRule struct {
	// None says that keys cannot be bound to addresses at all.
	None bool
	// Max entries; zero where no number is documented.
	Max int
	// MaxLength of the comma-separated list in bytes; zero if unbounded.
	MaxLength int
	// IPv6 and CIDR say which forms are documented besides IPv4 addresses.
	IPv6, CIDR bool
	// Note says what happens to keys without addresses.
	Note string
}

// PassphraseRule is what the exchange takes as a key's passphrase.
type PassphraseRule struct {
	// Length of the passphrase that the engine makes.
	Length int
	// Alphanumeric says that it holds only ASCII letters and digits; else it
	// has a special character as well.
	Alphanumeric bool
	// NeededToDelete says that the passphrase must be kept until the key is
	// deleted.
	NeededToDelete bool
}

// ExpiryRule is how the exchange itself ends a key.
type ExpiryRule struct {
	// Granularity that the exchange rounds to.
	Granularity time.Duration
	// Max lifetime; zero if unbounded.
	Max time.Duration
}

// RateLimit is one documented limit.
type RateLimit struct {
	Operation Operation
	// Requests allowed in each Per, or the weight that they may have together
	// where the exchange counts weights.
	Requests int
	Per      time.Duration
	// Serial says that one of them must have ended before the next is sent.
	Serial bool
	// Fixed says that the limit is no quota that could be shared or raised, so
	// that [Options.RateMultiplier] does not apply to it.
	Fixed bool
}

// String reads like "1 per 1s".
func (r RateLimit) String() string { return fmt.Sprintf("%d per %s", r.Requests, Period(r.Per)) }

// Period writes a duration without the units that are zero, and in days where
// it is a whole number of them.
func Period(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Environment returns the environment of that name, or the first if name is
// empty.
func (d Description) Environment(name string) (Environment, error) {
	return find(d.Environments, name, "environment", d.DisplayName, func(e Environment) string { return e.Name })
}

// Variant returns the variant of that name, or the first if name is empty.
func (d Description) Variant(name string) (Variant, error) {
	return find(d.Variants, name, "variant", d.DisplayName, func(v Variant) string { return v.Name })
}

// SubAccountName is the one spelling of a sub-account's name.
func (v Variant) SubAccountName(name string) string {
	if v.FoldNames {
		return strings.ToLower(name)
	}
	return name
}

// HasKeyType reports whether the exchange mints keys of that type.
func (v Variant) HasKeyType(t KeyType) bool { return slices.Contains(v.KeyTypes, t) }

// find returns the item of that name, the first one for an empty name, or an
// [ErrInvalid] that lists what there is.
func find[T any](items []T, name, what, exchange string, nameOf func(T) string) (T, error) {
	var known []string
	for _, item := range items {
		if name == "" || nameOf(item) == name {
			return item, nil
		}
		if nameOf(item) != "" {
			known = append(known, nameOf(item))
		}
	}
	var none T
	message := fmt.Sprintf("%s: %q is not known at %s", what, name, exchange)
	if len(known) == 0 {
		return none, &Error{Kind: ErrInvalid, Message: message + ", which has no such choice; leave it out"}
	}
	return none, &Error{Kind: ErrInvalid, Message: message + "; choose one of: " + strings.Join(known, ", ")}
}
