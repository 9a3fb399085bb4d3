package simulator

import (
	"crypto"
	"net/netip"
	"slices"
	"time"
)

// account is a user of the exchange: a master, or a sub-account of one.
type account struct {
	id      string   // what requests call it by: a number, a name or an e-mail address, as the exchange has
	name    string   // a second name, where the exchange knows one
	remark  string   // free text
	parent  *account // nil for a master
	frozen  bool
	deleted bool // kept, so that its names are not given out again
	created time.Time
}

// key is an API key: a root, which exists from the start, or a minted one.
type key struct {
	kind       string // of a root: "main", "read_only" ...; empty for a minted key
	variant    string // of a root, where the exchange has several surfaces
	totpSecret string // of a root whose account has two-factor authentication

	id          string // the exchange's number of the key, where it has one
	apiKey      string
	secret      string
	passphrase  string
	signer      func() crypto.Signer // key pair of a root that does not sign with a secret
	private     string               // private key of a root, where it is not PEM
	broker      string               // of a root whose account is under a broker
	public      crypto.PublicKey     // of a minted key whose owner made the pair
	account     *account
	label       string
	permissions []string // the exchange's own words
	ips         []string // addresses or prefixes; empty: any
	created     time.Time
	starts      time.Time // from when the exchange knows it; zero: always
	expires     time.Time // zero: never
}

// has tells whether the key holds at least one of the permissions.
func (k *key) has(permissions ...string) bool {
	return slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(k.permissions, p) })
}

// allows tells whether the key may be used from the address.
func (k *key) allows(address netip.Addr) bool {
	if len(k.ips) == 0 {
		return true
	}
	return slices.ContainsFunc(k.ips, func(entry string) bool {
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			return prefix.Contains(address)
		}
		allowed, err := netip.ParseAddr(entry)
		return err == nil && allowed == address
	})
}

func (k *key) expired(now time.Time) bool {
	return !k.expires.IsZero() && !now.Before(k.expires)
}

// publicKey is the key that signatures are verified with, nil for a key that
// signs with a secret.
func (k *key) publicKey() crypto.PublicKey {
	if k.signer != nil {
		return k.signer().Public()
	}
	return k.public
}

func (k *key) credential() Credential {
	c := Credential{
		APIKey: k.apiKey, APISecret: k.secret, Passphrase: k.passphrase,
		TOTPSecret: k.totpSecret, Variant: k.variant, Broker: k.broker,
	}
	if k.signer != nil {
		c.PrivateKey = privatePEM(k.signer())
	}
	if k.private != "" {
		c.PrivateKey = k.private
	}
	return c
}

// loopback is the address list of root keys, so that callers on this machine
// pass the check that a bound root makes.
func loopback() []string { return []string{"127.0.0.1", "::1"} }

// books hold what one exchange knows: its accounts and live keys, in the order
// of their creation.
type books struct {
	accounts []*account
	keys     []*key
	removed  []string // api keys of deleted keys, in the order of deletion
	issued   []string // the secret parts of all minted keys, deleted ones too
}

func (b *books) addAccount(a *account) *account {
	b.accounts = append(b.accounts, a)
	return a
}

func (b *books) addKey(k *key) *key {
	b.keys = append(b.keys, k)
	for _, secret := range []string{k.secret, k.passphrase} {
		if k.kind == "" && secret != "" {
			b.issued = append(b.issued, secret)
		}
	}
	return k
}

// account finds a live account by its id.
func (b *books) account(id string) *account {
	for _, a := range b.accounts {
		if a.id == id && !a.deleted {
			return a
		}
	}
	return nil
}

// masters lists the accounts that have no parent.
func (b *books) masters() []*account { return b.subAccounts(nil) }

// subAccounts lists the live sub-accounts of a master.
func (b *books) subAccounts(master *account) []*account {
	var subs []*account
	for _, a := range b.accounts {
		if a.parent == master && !a.deleted {
			subs = append(subs, a)
		}
	}
	return subs
}

// key finds a key by its api key.
func (b *books) key(apiKey string) *key {
	for _, k := range b.keys {
		if k.apiKey == apiKey {
			return k
		}
	}
	return nil
}

// root finds the root key of a kind.
func (b *books) root(kind string) *key {
	for _, k := range b.keys {
		if k.kind == kind {
			return k
		}
	}
	return nil
}

// keysOf lists the keys of an account, oldest first.
func (b *books) keysOf(a *account) []*key {
	var keys []*key
	for _, k := range b.keys {
		if k.account == a {
			keys = append(keys, k)
		}
	}
	return keys
}

// minted lists the live keys that are no roots.
func (b *books) minted(now time.Time) []*key {
	var keys []*key
	for _, k := range b.keys {
		if k.kind == "" && !k.expired(now) {
			keys = append(keys, k)
		}
	}
	return keys
}

// removeKey deletes a key for good.
func (b *books) removeKey(k *key) {
	b.keys = slices.DeleteFunc(b.keys, func(other *key) bool { return other == k })
	b.removed = append(b.removed, k.apiKey)
}

// clone copies the books so that changes to one copy leave the other alone.
func (b *books) clone() *books {
	copied := &books{removed: slices.Clone(b.removed)}
	twins := make(map[*account]*account, len(b.accounts))
	for _, a := range b.accounts {
		twin := *a
		twins[a] = copied.addAccount(&twin)
	}
	for _, a := range copied.accounts {
		if a.parent != nil {
			a.parent = twins[a.parent]
		}
	}
	for _, k := range b.keys {
		twin := *k
		twin.account = twins[k.account]
		twin.permissions = slices.Clone(k.permissions)
		twin.ips = slices.Clone(k.ips)
		copied.addKey(&twin)
	}
	return copied
}
