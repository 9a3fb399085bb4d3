// Package custody keeps the secret parts of the keys that Vault goes on holding: those
// of static roles. Nothing else of a key's secrets is ever stored.
//
// An entry lies under a seal-wrapped path and bears the id of its key in the ledger. It
// is written before the key comes into use, and is of no use to anybody without the
// key: whoever ends a key deletes its entry.
//
// The package knows Vault's storage and nothing else of Vault, nor the ledger.
package custody

import (
	"fmt"

	"vault-plugin-secrets-exchange/backend/store"
	"vault-plugin-secrets-exchange/exchanges"
)

// Prefix of the entries in storage.
const Prefix = "custody/"

// Secret is everything that it takes to use one key. Unlike [exchanges.Key] it encodes
// its secrets, so it prints nothing.
type Secret struct {
	APIKey     string `json:"api_key"`
	APISecret  string `json:"api_secret,omitempty"`
	Passphrase string `json:"passphrase,omitempty"`
	// PrivateKey is that of an asymmetric key, in the form in which its user takes it.
	PrivateKey string `json:"private_key,omitempty"`
	// Token is the whole of a bearer key.
	Token string `json:"token,omitempty"`
	// SubAccount is part of what names the key at exchanges whose requests name it.
	SubAccount string `json:"sub_account"`
}

// New returns the table of a mount's secrets, by the id of their key in the ledger.
// Changed, if not nil, is told of each id whose entry was written or deleted, so that
// what is kept of it in memory can be dropped.
func New(changed func(id string)) *store.Table[Secret] { return store.New[Secret](Prefix, changed) }

// Of returns what is to be kept of a new key of a sub-account. The private key is that
// of an asymmetric key, which the exchange has never seen.
func Of(key exchanges.Key, privateKey exchanges.Secret, subAccount string) Secret {
	return Secret{
		APIKey:     key.APIKey,
		APISecret:  key.APISecret.Reveal(),
		Passphrase: key.Passphrase.Reveal(),
		PrivateKey: privateKey.Reveal(),
		Token:      key.Token.Reveal(),
		SubAccount: subAccount,
	}
}

// Key is the key as its exchange has made it, with the id that it has there.
func (s Secret) Key(id string) exchanges.Key {
	return exchanges.Key{
		ID: id, APIKey: s.APIKey, APISecret: exchanges.Secret(s.APISecret),
		Passphrase: exchanges.Secret(s.Passphrase), Token: exchanges.Secret(s.Token),
	}
}

// Credential is the key as its exchange's Open takes it.
func (s Secret) Credential() exchanges.Credential {
	return exchanges.Credential{
		APIKey:     s.APIKey,
		APISecret:  exchanges.Secret(s.APISecret),
		Passphrase: exchanges.Secret(s.Passphrase),
		PrivateKey: exchanges.Secret(s.PrivateKey),
		Token:      exchanges.Secret(s.Token),
		SubAccount: s.SubAccount,
	}
}

// Format prints nothing of the secret, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "[secret]") }
