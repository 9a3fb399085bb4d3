package exchanges

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Description is what we know about an exchange. Operators read it at
// exchanges/:name, docs/exchanges is made from it, and the engine checks roles
// against it.
type Description struct {
	// Name is the value of a connection's exchange field: "bybit".
	Name string
	// DisplayName is the exchange's own spelling: "Bybit".
	DisplayName string
	// Documentation is the exchange's page on sub-account keys.
	Documentation string
	// Environments are the systems that the exchange runs; the first is the
	// default.
	Environments []Environment
	// Credentials are the forms a root credential may take.
	Credentials []CredentialForm
	// Variants are the kinds of parent account, which differ in what their
	// API can do. There is at least one; the first is the default.
	Variants []Variant
	// RootRotation reports whether the root credential can be replaced through the
	// API.
	RootRotation bool
	// CCXT says how a library that many bots use takes the exchange's keys.
	CCXT CCXT
	// Notes are facts an operator should know.
	Notes []string
}

// Environment is one of an exchange's systems.
type Environment struct {
	// Name is the value of a connection's environment field: "testnet".
	Name string
	// BaseURL is where the root credential is used.
	BaseURL string
	// KeyBaseURL is where a minted key is used; empty means BaseURL.
	KeyBaseURL string
	// Hosts are further hosts at which a minted key is used.
	Hosts []string
	// Streams are the URLs to which a client connects for each of [Signing.Logins], by
	// its name. One that is not there is not known.
	Streams map[string]string
	// CCXT leads ccxt there; nil where it goes there by itself, or to another host of
	// the same system.
	CCXT CCXTSettings
	// Note is what an operator must know about it.
	Note string
}

// CredentialForm is a set of fields that together make a root credential.
type CredentialForm struct {
	// Name is the form's name: "hmac", "rsa", "ed25519".
	Name string
	// Fields are the connection's fields that the form needs.
	Fields []string
	// Note says where to make such a credential and what rights it needs.
	Note string
}

// KeyType is the signature scheme of a minted key.
type KeyType string

// The key types. KeyBearer signs nothing: it is a token that is sent as is. For
// asymmetric types the plugin makes the pair, and the exchange never sees the
// private half.
const (
	KeyHMAC    KeyType = "hmac"
	KeyBearer  KeyType = "bearer"
	KeyEd25519 KeyType = "ed25519"
	KeyRSA     KeyType = "rsa"
	// KeySecp256k1 is the key of an Ethereum wallet.
	KeySecp256k1 KeyType = "secp256k1"
)

// Asymmetric reports whether a key of that type is a key pair.
func (t KeyType) Asymmetric() bool { return t != KeyHMAC && t != KeyBearer }

// Variant is what one kind of parent account can do.
type Variant struct {
	// Name is the value of a connection's variant field; empty where the exchange
	// has only one variant.
	Name string
	// Summary says which accounts belong to this variant.
	Summary string
	// SubAccountNaming says how sub-accounts are named: "name", "number", "e-mail".
	SubAccountNaming string
	// FoldNames says that names of sub-accounts are the same whatever their case,
	// such as addresses in hexadecimal.
	FoldNames bool
	// Permissions is the exchange's vocabulary.
	Permissions []Permission
	// KeyTypes are the types a minted key can have; the first is the default.
	KeyTypes []KeyType
	// KeysPerSubAccount is the exchange's cap; zero where none is documented.
	KeysPerSubAccount int
	Label             LabelRule
	Addresses         AddressRule
	// Passphrase is set where keys have one.
	Passphrase *PassphraseRule
	// NativeExpiry is set where the exchange itself can expire a key.
	NativeExpiry *ExpiryRule
	// ActivationDelay is how long the exchange may take to accept a new key; zero
	// where keys are documented to work at once, or nothing is documented. Accounts
	// of such a variant implement [Prober].
	ActivationDelay time.Duration
	// RevocationDelay is how long a deleted key may go on working; zero where
	// deletion is documented to take effect at once.
	RevocationDelay time.Duration
	// ListingDelay is how long the exchange may go on listing a key after
	// confirming its deletion; zero where it is documented to drop it at once, or
	// nothing is documented.
	ListingDelay time.Duration
	// MaskedIDs is set where the exchange may hide part of the id of a key it lists
	// ([KeyInfo.Masked]). Accounts of such a variant implement [KeyChecker].
	MaskedIDs bool
	// NoDeletion is set where the exchange's API cannot delete a key, and says what
	// revocation does instead. The engine mints keys there only if the connection
	// allows it.
	NoDeletion string
	// Unlisted is set where the exchange lists no keys, and says what becomes of a
	// key whose create answer was lost. Such keys expire by themselves with their
	// first lease ([Variant.NativeExpiry]), so their leases cannot be renewed.
	// Accounts of such a variant implement [KeyChecker].
	Unlisted string
	// CCXT are settings by which ccxt uses keys of this variant; mostly none.
	CCXT CCXTSettings
	// RateLimits are the documented limits that bound minting and revoking.
	RateLimits []RateLimit
	// Signing says what a signature by a minted key is good for.
	Signing Signing
}

// cautiousDelay is how long an exchange is given to show what it was asked to do. No
// exchange documents how soon a list shows a new key.
const cautiousDelay = 30 * time.Second

// Staleness is how old the exchange's list of keys may be: 30 seconds, or
// [Variant.ListingDelay] if that is longer. That a deleted key leaves the list sooner
// does not say how soon a new one enters it.
func (v Variant) Staleness() time.Duration { return max(cautiousDelay, v.ListingDelay) }

// LabelRule says what the exchange accepts as a key's label.
type LabelRule struct {
	// MaxLength is in bytes. Zero means that keys have no label, so that a key
	// whose create answer was lost cannot be found by its label.
	MaxLength int
	// Hyphens reports whether "-" is allowed besides ASCII letters and digits.
	Hyphens bool
}

// AddressRule says what the exchange accepts as a key's IP allowlist.
type AddressRule struct {
	// None means that keys cannot be bound to addresses at all.
	None bool
	// Max is the number of entries; zero where none is documented.
	Max int
	// MaxLength is the length of the comma-separated list in bytes; zero if
	// unbounded.
	MaxLength int
	// IPv6 and CIDR are set where those forms are documented besides IPv4
	// addresses.
	IPv6, CIDR bool
	// Note says what happens to keys without addresses.
	Note string
}

// PassphraseRule says what the exchange accepts as a key's passphrase.
type PassphraseRule struct {
	// Length is the length of the passphrase that the engine makes.
	Length int
	// Alphanumeric means that it holds only ASCII letters and digits; otherwise it
	// has an @ as well, for exchanges that ask for a special character.
	Alphanumeric bool
	// NeededToDelete means that deleting the key takes its passphrase, which must
	// be kept until then.
	NeededToDelete bool
}

// ExpiryRule says how the exchange itself expires a key.
type ExpiryRule struct {
	// Granularity is what the exchange rounds to.
	Granularity time.Duration
	// Max is the longest lifetime; zero if unbounded.
	Max time.Duration
}

// RateLimit is one documented limit.
type RateLimit struct {
	Operation Operation
	// Requests is how many are allowed in each Per, or their total weight where the
	// exchange weighs requests.
	Requests int
	Per      time.Duration
	// Serial means that one request must have ended before the next is sent.
	Serial bool
	// Fixed means that the limit is not a quota that could be shared or raised, so
	// [Options.RateMultiplier] does not apply to it.
	Fixed bool
}

// String reads like "1 per 1s".
func (r RateLimit) String() string { return fmt.Sprintf("%d per %s", r.Requests, Period(r.Per)) }

// Period formats a duration without its zero units, and in days where it is a whole
// number of them.
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

// find returns the item with that name, the first one if name is empty, or an
// [ErrInvalid] that lists the choices.
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
