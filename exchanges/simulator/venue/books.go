package venue

import (
	"crypto"
	"net/netip"
	"slices"
	"time"
)

// Account is a user of the exchange: a master, or a sub-account of one.
type Account struct {
	ID      string   // what requests call it by: a number, a name or an e-mail address, depending on the exchange
	Name    string   // a second name, if the exchange has one
	Remark  string   // free text
	Parent  *Account // nil for a master
	Frozen  bool
	Deleted bool // kept in the books, so that its names are not used again
	Created time.Time
}

// Key is an API key: a root, which exists from the start, or a minted one.
type Key struct {
	Kind       string // of a root: "main", "read_only" and so on; empty for a minted key
	Variant    string // of a root, if the exchange has several surfaces
	TOTPSecret string // of a root whose account has two-factor authentication

	ID          string // the exchange's number of the key, if it has one
	APIKey      string
	Secret      string
	Passphrase  string
	Signer      func() crypto.Signer // key pair of a root that does not sign with a secret
	Private     string               // private key of a root, if it is not PEM
	Broker      string               // of a root whose account belongs to a broker
	Public      crypto.PublicKey     // of a minted key whose owner made the pair
	Account     *Account
	Label       string
	Permissions []string // in the exchange's own words
	IPs         []string // addresses or prefixes; empty: any address
	Created     time.Time
	Starts      time.Time // when the exchange begins to know it; zero: always
	Expires     time.Time // zero: never
}

// Has reports whether the key holds at least one of the permissions.
func (k *Key) Has(permissions ...string) bool {
	return slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(k.Permissions, p) })
}

// Allows reports whether the key may be used from the address.
func (k *Key) Allows(address netip.Addr) bool {
	if len(k.IPs) == 0 {
		return true
	}
	return slices.ContainsFunc(k.IPs, func(entry string) bool {
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			return prefix.Contains(address)
		}
		allowed, err := netip.ParseAddr(entry)
		return err == nil && allowed == address
	})
}

// Expired reports whether the key has reached its end.
func (k *Key) Expired(now time.Time) bool {
	return !k.Expires.IsZero() && !now.Before(k.Expires)
}

// PublicKey is the key that verifies signatures, nil for a key that signs with
// a secret.
func (k *Key) PublicKey() crypto.PublicKey {
	if k.Signer != nil {
		return k.Signer().Public()
	}
	return k.Public
}

// credential is what the holder of the key signs with.
func (k *Key) credential() Credential {
	c := Credential{
		APIKey: k.APIKey, APISecret: k.Secret, Passphrase: k.Passphrase,
		TOTPSecret: k.TOTPSecret, Variant: k.Variant, Broker: k.Broker,
	}
	if k.Signer != nil {
		c.PrivateKey = privatePEM(k.Signer())
	}
	if k.Private != "" {
		c.PrivateKey = k.Private
	}
	return c
}

// Loopback is the address list of root keys. It lets callers on this machine
// pass the check of a bound root.
func Loopback() []string { return []string{"127.0.0.1", "::1"} }

// Books hold what one exchange knows: its accounts and live keys, in the order
// in which they were created.
type Books struct {
	Accounts []*Account
	Keys     []*Key
	gone     []gone               // in the order of deletion
	issued   []string             // the secret parts of all minted keys, including deleted ones
	orders   map[*Account][]Order // open ones, oldest first
}

// gone is a key that was deleted.
type gone struct {
	key *Key
	at  time.Time
}

// AddAccount adds an account and returns it.
func (b *Books) AddAccount(a *Account) *Account {
	b.Accounts = append(b.Accounts, a)
	return a
}

// AddKey adds a key and returns it.
func (b *Books) AddKey(k *Key) *Key {
	b.Keys = append(b.Keys, k)
	for _, secret := range []string{k.Secret, k.Passphrase} {
		if k.Kind == "" && secret != "" {
			b.issued = append(b.issued, secret)
		}
	}
	return k
}

// Account finds a live account by its id. It returns nil if there is none.
func (b *Books) Account(id string) *Account {
	for _, a := range b.Accounts {
		if a.ID == id && !a.Deleted {
			return a
		}
	}
	return nil
}

// masters lists the accounts that have no parent.
func (b *Books) masters() []*Account { return b.SubAccounts(nil) }

// SubAccounts lists the live sub-accounts of a master.
func (b *Books) SubAccounts(master *Account) []*Account {
	var subs []*Account
	for _, a := range b.Accounts {
		if a.Parent == master && !a.Deleted {
			subs = append(subs, a)
		}
	}
	return subs
}

// Key finds a key by its API key. It returns nil if there is none.
func (b *Books) Key(apiKey string) *Key {
	for _, k := range b.Keys {
		if k.APIKey == apiKey {
			return k
		}
	}
	return nil
}

// root finds the root key of a kind.
func (b *Books) root(kind string) *Key {
	for _, k := range b.Keys {
		if k.Kind == kind {
			return k
		}
	}
	return nil
}

// KeysOf lists the keys of an account, oldest first.
func (b *Books) KeysOf(a *Account) []*Key {
	var keys []*Key
	for _, k := range b.Keys {
		if k.Account == a {
			keys = append(keys, k)
		}
	}
	return keys
}

// Minted lists the live keys that are not roots.
func (b *Books) Minted(now time.Time) []*Key {
	var keys []*Key
	for _, k := range b.Keys {
		if k.Kind == "" && !k.Expired(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

// RemoveKey deletes a key for good.
func (b *Books) RemoveKey(k *Key, now time.Time) {
	b.Keys = slices.DeleteFunc(b.Keys, func(other *Key) bool { return other == k })
	b.gone = append(b.gone, gone{k, now})
}

// clone copies the books, so that changes to one copy leave the other alone.
func (b *Books) clone() *Books {
	copied := &Books{}
	twins := make(map[*Account]*Account, len(b.Accounts))
	for _, a := range b.Accounts {
		twin := *a
		twins[a] = copied.AddAccount(&twin)
	}
	for _, a := range copied.Accounts {
		if a.Parent != nil {
			a.Parent = twins[a.Parent]
		}
	}
	for _, k := range b.Keys {
		twin := *k
		twin.Account = twins[k.Account]
		twin.Permissions = slices.Clone(k.Permissions)
		twin.IPs = slices.Clone(k.IPs)
		copied.AddKey(&twin)
	}
	return copied
}
