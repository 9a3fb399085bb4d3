// Package exchanges says what a crypto exchange is to the secrets engine: a
// place where a parent account mints, lists and deletes API keys of its
// sub-accounts.
//
// It holds the interfaces, the canonical scopes, the error kinds and the
// description of what an exchange can do. It never talks to a network and
// knows no exchange by name: each exchange is a package below this one, and
// package catalog lists them.
//
// Start reading at [Exchange] and [Account], then [Variant.Grant], which
// decides what a key must be asked for so that it holds exactly the scopes
// that a role names.
package exchanges

import (
	"context"
	"net/http"
	"time"

	"vault-plugin-secrets-exchange/exchanges/pace"
)

// Exchange is one venue: what it can do, and the way to an account there.
type Exchange interface {
	// Describe states the facts: variants, environments, scopes, key types,
	// limits. It is constant for a given build.
	Describe() Description

	// Open prepares the use of a parent credential. It checks the form of
	// the credential and the options and makes no network call. What is
	// wrong with either is an [ErrInvalid] that names the field.
	Open(Credential, Options) (Account, error)
}

// Account is a parent account at an exchange, reached with its root
// credential. All methods are safe for concurrent use, honour the context's
// deadline, and fail with an error for which errors.Is on a [Kind] holds.
type Account interface {
	// Inspect asks the exchange who the root credential is and what it may.
	Inspect(context.Context) (Identity, error)

	// SubAccounts lists every sub-account, over all pages.
	SubAccounts(context.Context) ([]SubAccount, error)

	// CreateKey creates a key whole (permissions and addresses in place) or
	// leaves nothing behind. It is never blindly repeated: when the answer
	// is lost the error is [ErrOutcomeUnknown] and the caller looks for the
	// label in ListKeys, and deletes what it finds.
	CreateKey(context.Context, KeyRequest) (Key, error)

	// ListKeys lists every key of a sub-account, over all pages. Where
	// [Variant.NoDeletion] is set it leaves out those that DeleteKey has made
	// powerless: they are to the engine what is deleted elsewhere. Where
	// [Variant.Unlisted] is set it fails with [ErrUnsupported].
	ListKeys(ctx context.Context, subAccount string) ([]KeyInfo, error)

	// DeleteKey asks the exchange to delete a key, and returns what it answers:
	// nil if it confirms the deletion, which proves nothing, else the refusal.
	// Where [Variant.NoDeletion] is set it makes the key powerless. Whether the
	// key is gone is for [Settle] to decide.
	DeleteKey(context.Context, KeyRef) error

	// Close releases idle connections. The account must not be used after.
	Close()
}

// RootRotator is an [Account] whose exchange lets a root credential be
// replaced through the API.
type RootRotator interface {
	// RotateRoot creates a new root credential of the same rights, with a
	// label as [Variant.Label] allows, and returns it. The old one stays
	// valid until DeleteRoot.
	RotateRoot(ctx context.Context, label string) (Credential, error)

	// DeleteRoot deletes another root credential of the same account.
	DeleteRoot(ctx context.Context, apiKey string) error
}

// Prober is an [Account] of an exchange that may take a while to accept a new
// key, see [Variant.ActivationDelay].
type Prober interface {
	// KeyWorks asks the exchange, with a key just minted, whether it accepts
	// that key by now. A refusal that shows the key to be known, such as one of
	// the caller's address, means that it does. An error leaves it open.
	KeyWorks(context.Context, Key) (bool, error)
}

// KeyChecker is an [Account] that can be asked for one key. Where keys may be
// listed with part of their id hidden ([Variant.MaskedIDs]), or not at all
// ([Variant.Unlisted]), only that proves a deletion; elsewhere it may be cheaper
// than a list.
type KeyChecker interface {
	// CheckKey lists the key that is named if it may be there, and maybe others.
	// confirmed says that the exchange has confirmed its deletion.
	CheckKey(ctx context.Context, ref KeyRef, confirmed bool) ([]KeyInfo, error)
}

// RequestSigner is an [Account] that signs requests of its user's own making:
// opened with a minted key, it lets that key be used.
type RequestSigner interface {
	// SignRequest returns the request ready to be sent, signed for the
	// exchange's present time. The body must be sent as it is.
	SignRequest(context.Context, UserRequest) (*http.Request, error)
}

// UserRequest is a request to sign.
type UserRequest struct {
	Method string
	Path   string
	// Query is the encoded query string without "?".
	Query       string
	Body        []byte
	ContentType string
}

// Credential is the root credential of a parent account. Which parts are
// needed is stated by [Description.Credentials].
type Credential struct {
	APIKey     string
	APISecret  Secret
	Passphrase Secret
	// PrivateKey is PEM (PKCS #8), or what the exchange's page says.
	PrivateKey Secret
	// TOTPSecret is the base32 seed of one-time codes.
	TOTPSecret Secret
	// Token is that of a minted key of type [KeyBearer], which has no other
	// secret part. A root credential has none.
	Token Secret
	// Broker names the broker under which the account is, at an exchange that
	// brokers share.
	Broker string
	// SubAccount is that of a minted key, for exchanges whose requests name it
	// besides the key. A root credential has none.
	SubAccount string
}

// Secrets lists the parts of the credential that must never be shown.
func (c Credential) Secrets() []Secret {
	var parts []Secret
	for _, part := range []Secret{c.APISecret, c.Passphrase, c.PrivateKey, c.TOTPSecret, c.Token} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// Options is how an account is reached.
type Options struct {
	// Environment is the name of one of [Description.Environments]; empty
	// means the first.
	Environment string
	// Variant is the name of one of [Description.Variants]; empty means the
	// first.
	Variant string
	// BaseURL replaces the environment's base URL.
	BaseURL string
	// Timeout bounds one HTTP request. Zero means [DefaultTimeout].
	Timeout time.Duration
	// RateMultiplier multiplies the exchange's documented rate limits: below
	// 1 where other tools share the account's quota, above 1 where the
	// exchange has granted the account more. Zero means 1.
	RateMultiplier float64
	// Account is what the exchange calls the parent account, as [Identity.Account]
	// told it; empty if it has not been told.
	Account string
	// Pacers, if set, gives one pace to all accounts that are opened with them and
	// have the root credential or the parent account in common. The smallest of their
	// multipliers counts. Nil means a pace of its own.
	Pacers *pace.Pacers
	// UserAgent is sent with each request.
	UserAgent string
	// Transport replaces the pooled HTTP transport; for tests.
	Transport http.RoundTripper
}

// Wait is how long to wait where the exchange's documented rates ask for that
// long.
func (o Options) Wait(documented time.Duration) time.Duration {
	if o.RateMultiplier == 0 {
		return documented
	}
	return time.Duration(float64(documented) / o.RateMultiplier)
}

// DefaultTimeout bounds one HTTP request where [Options.Timeout] is unset.
const DefaultTimeout = 10 * time.Second

// Identity is what an exchange says of a root credential.
type Identity struct {
	// Account is the exchange's own name of the parent account; empty where
	// the exchange does not tell.
	Account string
	// Permissions are the root key's rights in the exchange's words.
	Permissions []string
	// Addresses the root key is bound to; empty means unbound, nil that the
	// exchange does not tell them.
	Addresses []string
	// CanMint says whether the credential may create and delete keys of
	// sub-accounts.
	CanMint bool
	// Problem says, if CanMint is false, what is missing and how to mend it.
	Problem string
	// ExpiresAt is when the exchange will end the root key; zero if never or
	// not told.
	ExpiresAt time.Time
	// ClockOffset is the exchange's clock minus ours.
	ClockOffset time.Duration
	// Warnings are worth an operator's attention but stop nothing.
	Warnings []string
}

// SubAccount is one sub-account of the parent.
type SubAccount struct {
	// Name is what roles and requests call it: the exchange's name, number
	// or e-mail address, see [Variant.SubAccountNaming].
	Name string
	// Alias is a second, human name, where the exchange has one.
	Alias string
	// Frozen says that the exchange has suspended it.
	Frozen bool
}

// KeyRequest asks for one key.
type KeyRequest struct {
	SubAccount string
	// Label is stored with the key at the exchange and found again in
	// ListKeys, where [Variant.Label] says so.
	Label string
	// Permissions are native permissions, as [Variant.Grant] chose them.
	Permissions []string
	// Addresses are the only addresses or CIDR blocks from which the key
	// shall work; empty means any.
	Addresses []string
	KeyType   KeyType
	// PublicKey is the public half of a plugin-made pair, for the asymmetric
	// key types: PEM (PKIX), or as the exchange's [PairMaker] writes it. The
	// exchange never sees the private half.
	PublicKey string
	// Passphrase is chosen by us where [Variant.Passphrase] asks for one.
	Passphrase Secret
	// Expires is the lease's hard limit, for exchanges with native expiry.
	Expires time.Time
	// Made, if set, is told of the key as soon as the exchange has made it,
	// where more calls follow before it is whole: see [Finish].
	Made func(context.Context, KeyRef) error `json:"-"`
}

// Key is a key just created. Its secret parts exist nowhere else.
type Key struct {
	// ID names the key to ListKeys and DeleteKey; most often it is APIKey.
	ID         string
	APIKey     string
	APISecret  Secret
	Passphrase Secret
	// Token is all there is of a key of type [KeyBearer]; ID and APIKey are
	// then a fingerprint of it, which gives nothing away.
	Token Secret
	// Permissions are the native permissions that the exchange says the key
	// holds; compare them with [Variant.CheckGrant].
	Permissions []string
	// Addresses are what the exchange says the key is bound to; nil where
	// the answer does not tell.
	Addresses []string
}

// KeyInfo is a key as the exchange lists it, without secrets.
type KeyInfo struct {
	ID    string
	Label string
	// Permissions and Addresses are nil where the listing does not tell them,
	// or not all of them.
	Permissions []string
	Addresses   []string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	// Masked says that ID is not the whole id, so that the key cannot be
	// deleted by it.
	Masked bool
}

// KeyRef names a key to delete.
type KeyRef struct {
	SubAccount string
	ID         string
	Label      string
	// Passphrase is set where [Variant.Passphrase] needs it for deletion.
	Passphrase Secret
	// Token is set for a key of type [KeyBearer], which can be named by
	// nothing else.
	Token Secret
}
