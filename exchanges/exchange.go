// Package exchanges says what a crypto exchange is to the secrets engine: a place
// where a parent account mints, lists and deletes API keys of its sub-accounts.
//
// It holds the interfaces, the canonical scopes, the error kinds and the
// description of what an exchange can do. It never touches the network and knows no
// exchange by name: each exchange is a package below this one, and package catalog
// lists them.
//
// Start reading at [Exchange] and [Account], then [Variant.Grant], which decides
// what to request so that a key holds exactly the scopes a role names.
package exchanges

import (
	"context"
	"net/http"
	"time"
)

// Exchange is one venue: what it can do, and how to open an account there.
type Exchange interface {
	// Describe states the facts: variants, environments, scopes, key types,
	// limits. It is constant for a given build.
	Describe() Description

	// Open prepares the use of a parent credential. It checks the form of the
	// credential and the options, and makes no network call. An [ErrInvalid] names
	// the field that is wrong.
	Open(Credential, Options) (Account, error)
}

// Account is a parent account at an exchange, reached with its root credential. All
// methods are safe for concurrent use and honour the context's deadline. Their
// errors match a [Kind] with errors.Is.
type Account interface {
	// Inspect asks the exchange whose the root credential is and what it may do.
	Inspect(context.Context) (Identity, error)

	// SubAccounts lists, across all pages, every sub-account in which the root
	// credential can have made keys, unless that is deleted: what is not listed has
	// none. It fails if the answer holds no list.
	SubAccounts(context.Context) ([]SubAccount, error)

	// CreateKey creates a complete key (permissions and addresses in place) or
	// leaves nothing behind. It is never blindly repeated: if the answer is lost,
	// the error is [ErrOutcomeUnknown], and the caller looks for the label in
	// ListKeys and deletes what it finds.
	CreateKey(context.Context, KeyRequest) (Key, error)

	// ListKeys lists every key of a sub-account, across all pages. Where
	// [Variant.NoDeletion] is set it leaves out keys that DeleteKey has made
	// powerless: to the engine, those are deleted. Where [Variant.Unlisted] is set
	// it fails with [ErrUnsupported].
	ListKeys(ctx context.Context, subAccount string) ([]KeyInfo, error)

	// DeleteKey asks the exchange to delete a key and returns its answer: nil if it
	// confirms the deletion, which proves nothing, else the refusal. Where
	// [Variant.NoDeletion] is set it makes the key powerless. [Settle] decides
	// whether the key is gone.
	DeleteKey(context.Context, KeyRef) error

	// Close releases idle connections. The account must not be used afterwards.
	Close()
}

// RootRotator is an [Account] whose root credential can be replaced through the
// exchange's API.
type RootRotator interface {
	// RotateRoot creates a new root credential with the same rights, labelled as
	// [Variant.Label] allows, and returns it. The old one stays valid until
	// DeleteRoot.
	RotateRoot(ctx context.Context, label string) (Credential, error)

	// FindRoots returns the API keys of the account's root credentials with that
	// label: how one is found whose RotateRoot ended in [ErrOutcomeUnknown].
	FindRoots(ctx context.Context, label string) ([]string, error)

	// DeleteRoot deletes another root credential of the same account.
	DeleteRoot(ctx context.Context, apiKey string) error
}

// Prober is an [Account] of an exchange that may take a while to accept a new key;
// see [Variant.ActivationDelay].
type Prober interface {
	// KeyWorks asks the exchange, using a newly minted key, whether it accepts that
	// key yet. A refusal that shows it knows the key, such as one of the caller's
	// address, counts as acceptance. An error leaves the question open.
	KeyWorks(context.Context, Key) (bool, error)
}

// KeyChecker is an [Account] that can be asked for a single key. Where the exchange
// may hide part of the ids it lists ([Variant.MaskedIDs]) or lists no keys
// ([Variant.Unlisted]), only this proves a deletion; elsewhere it may be cheaper
// than a list.
type KeyChecker interface {
	// CheckKey lists the named key if it may be there, and possibly others.
	// confirmed means that the exchange has confirmed its deletion.
	CheckKey(ctx context.Context, ref KeyRef, confirmed bool) ([]KeyInfo, error)
}

// KeysChecker is a [KeyChecker] that can check all keys of a sub-account for what one
// costs.
type KeysChecker interface {
	KeyChecker
	// CheckKeys lists every key of a sub-account, as ListKeys does. It fails with
	// [ErrUnsupported] where each key must be checked by itself.
	CheckKeys(ctx context.Context, subAccount string) ([]KeyInfo, error)
}

// RequestSigner is an [Account] that signs requests of its user's making. Opened
// with a minted key, it puts that key to use.
type RequestSigner interface {
	// SignRequest returns the request ready to send, signed for the exchange's
	// current time. The body must be sent as is.
	SignRequest(context.Context, UserRequest) (*http.Request, error)

	// SyncClock measures the exchange's clock anew, by which requests and logins are
	// signed. If it fails, they go by what was measured before.
	SyncClock(context.Context) error
}

// UserRequest is a request to be signed.
type UserRequest struct {
	Method string
	Path   string
	// Query is the encoded query string without "?".
	Query       string
	Body        []byte
	ContentType string
	// Host is one of [Environment.Hosts]; empty means that of the base URL.
	Host string
}

// Identity is what an exchange says about a root credential.
type Identity struct {
	// Account is the exchange's own name for the parent account; empty where it
	// does not say.
	Account string
	// Permissions are the root key's rights in the exchange's words.
	Permissions []string
	// Addresses are those the root key is bound to; empty means unbound, nil that
	// the exchange does not say.
	Addresses []string
	// CanMint reports whether the credential may create and delete keys of
	// sub-accounts.
	CanMint bool
	// Problem says, if CanMint is false, what is missing and how to fix it.
	Problem string
	// ExpiresAt is when the exchange will expire the root key; zero if never or
	// unknown.
	ExpiresAt time.Time
	// ClockOffset is the exchange's clock minus ours.
	ClockOffset time.Duration
	// Warnings deserve an operator's attention but stop nothing.
	Warnings []string
}

// SubAccount is one sub-account of the parent.
type SubAccount struct {
	// Name is what roles and requests call it: the exchange's name, number or
	// e-mail address; see [Variant.SubAccountNaming].
	Name string
	// Alias is a second name, for people, where the exchange has one.
	Alias string
	// Frozen means that the exchange has suspended it.
	Frozen bool
	// NoKeys says why the root credential reaches no keys in it; empty if it does.
	NoKeys string
}

// KeyRequest asks for one key.
type KeyRequest struct {
	SubAccount string
	// Label is stored with the key at the exchange and shown again by ListKeys,
	// where [Variant.Label] allows one.
	Label string
	// Permissions are native permissions, as chosen by [Variant.Grant].
	Permissions []string
	// Addresses are the only addresses or CIDR blocks from which the key may be
	// used; empty means any.
	Addresses []string
	KeyType   KeyType
	// PublicKey is the public half of a plugin-made pair, for the asymmetric
	// key types: PEM (PKIX), or as the exchange's [PairMaker] writes it. The
	// exchange never sees the private half.
	PublicKey string
	// Passphrase is chosen by us where [Variant.Passphrase] asks for one.
	Passphrase Secret
	// Expires is the hard limit of the lease, for exchanges with native expiry.
	Expires time.Time
	// Made, if set, is told of the key as soon as the exchange has made it, where
	// more calls are needed to complete it: see [Finish].
	Made func(context.Context, KeyRef) error `json:"-"`
}

// Key is a newly created key. Its secret parts exist nowhere else.
type Key struct {
	// ID names the key in ListKeys and DeleteKey; usually it is the same as APIKey.
	ID         string
	APIKey     string
	APISecret  Secret
	Passphrase Secret
	// Token is the whole of a key of type [KeyBearer]. ID and APIKey are then a
	// fingerprint of it, which reveals nothing.
	Token Secret
	// Permissions are the native permissions that the exchange says the key holds;
	// nil where the answer does not say. Compare them using [Variant.CheckGrant].
	Permissions []string
	// Addresses are what the exchange says the key is bound to; nil where the
	// answer does not say. Compare them using [SameAddresses].
	Addresses []string
}

// KeyInfo is a key as the exchange lists it, without secrets.
type KeyInfo struct {
	ID string
	// APIKey is set where the list shows it and it is not the same as ID.
	APIKey string
	Label  string
	// Permissions and Addresses are nil where the list leaves them out or shows
	// only some of them. Parts of an address may be hidden: see [SameAddresses].
	Permissions []string
	Addresses   []string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	// Masked means that ID is not the whole id, so the key cannot be deleted by it.
	Masked bool
}

// KeyRef names a key to delete.
type KeyRef struct {
	SubAccount string
	ID         string
	Label      string
	// Passphrase is set where [Variant.Passphrase] requires it for deletion.
	Passphrase Secret
	// Token is set for a key of type [KeyBearer], which nothing else can name.
	Token Secret
	// Age is how long ago the exchange was last asked to create the key or, if
	// Unseen, to delete it; zero if that may have been just now. [Settle] goes by it.
	Age time.Duration
	// Unseen means that the last attempt to delete the key ended in [ErrUnseen].
	Unseen bool
}
