package ledger

import (
	"time"

	"vault-plugin-secrets-exchange/exchanges"
)

// State is where a key stands in its life; see [Claim] for how it moves on.
type State string

// The states of a key.
const (
	// Pending: about to be created, or created and not yet whole or accepted, or
	// created with the answer lost.
	Pending State = "pending"
	// Live: the exchange confirmed it and the caller has it.
	Live State = "live"
	// Revoking: it must go, and is not yet proved gone.
	Revoking State = "revoking"
	// gone: proved gone, or given up. No entry is stored with it: it is what a claim
	// knows of a key whose entry is removed, or about to be.
	gone State = "gone"
)

// Entry is one key in the ledger: everything that is needed to find it, account
// for it and delete it, and nothing more. Nothing in it lets anybody use the key,
// but for the token of a bearer key, which only the token itself can delete.
type Entry struct {
	ID         string `json:"id"`
	State      State  `json:"state"`
	Connection string `json:"connection"`
	Exchange   string `json:"exchange"`
	// Lineage names the line of root credentials, all of one parent account, with one
	// of which the key was asked for; empty if that is not known.
	Lineage    string `json:"lineage,omitempty"`
	SubAccount string `json:"sub_account"`
	// ExchangeKeyID is the exchange's name of the key; empty while it is not
	// known.
	ExchangeKeyID string `json:"exchange_key_id"`
	// APIKey is the public part of the key, by which the exchange's own log
	// names it; most often it is ExchangeKeyID.
	APIKey string `json:"api_key"`
	Label  string `json:"label"`
	// Role is what the key was minted for. Owner is set for a key that belongs to
	// something that lasts, such as a static role, and so has no lease.
	Role        string           `json:"role"`
	Owner       string           `json:"owner,omitempty"`
	Scopes      exchanges.Scopes `json:"scopes"`
	Permissions []string         `json:"permissions"`
	// Added are permissions that the exchange added to the key unasked. Risk takes
	// them into account; Scopes and Permissions are what was asked for.
	Added     []string          `json:"added_permissions,omitempty"`
	Risk      exchanges.Risk    `json:"risk"`
	Addresses []string          `json:"addresses"`
	KeyType   exchanges.KeyType `json:"key_type"`
	PublicKey string            `json:"public_key,omitempty"`
	// Passphrase is kept only where the exchange needs it to delete the key.
	Passphrase string `json:"passphrase,omitempty"`
	// Token is kept for keys of type bearer.
	Token string `json:"token,omitempty"`
	// Kept says that the secret parts of the key are, or may be, kept in custody.
	Kept      bool      `json:"kept,omitempty"`
	Requester Requester `json:"requester"`
	// Generations of the kill switches under which the key was made.
	Generations generations `json:"generations,omitzero"`
	Created     time.Time   `json:"created"`
	// Expires is when the lease ends unless renewed; HardLimit is when it ends
	// in any case. A key with an owner has no lease: Expires is zero, and HardLimit is
	// when the exchange itself ends the key, zero if never.
	Expires   time.Time `json:"expires"`
	HardLimit time.Time `json:"hard_limit"`
	// RetireAt is when a key with an owner must go, since another has taken its place;
	// zero while none has.
	RetireAt time.Time `json:"retire_at,omitzero"`
	// LastUsed is when Vault signed anything with the key last, and Uses how often it
	// did, as far as that is recorded: at most once an hour.
	LastUsed time.Time `json:"last_used,omitzero"`
	Uses     int       `json:"uses,omitempty"`
	// Revoking is since when the key must go, and Cause why, in the words of
	// whoever condemned it; empty for one that nobody holds.
	Revoking time.Time `json:"revoking,omitzero"`
	Cause    string    `json:"cause,omitempty"`
	// Unseen is since when the exchange has not shown the key, though it did not
	// confirm its deletion; zero if it did either.
	Unseen time.Time `json:"unseen,omitzero"`
	// Attempts counts the attempts at deletion that failed; LastError is why the
	// last one did, and NextTry when the next is due.
	Attempts  int       `json:"attempts"`
	LastError string    `json:"last_error,omitempty"`
	NextTry   time.Time `json:"next_try,omitzero"`
}

// Requester is who asked for a key.
type Requester struct {
	EntityID string `json:"entity_id"`
	// Accessor is a hash of the token's accessor, kept where there is no entity and the
	// key is used through Vault.
	Accessor    string `json:"accessor,omitempty"`
	DisplayName string `json:"display_name"`
	Address     string `json:"address"`
	Reason      string `json:"reason"`
}

// Ref names the key to its exchange, at the given time.
func (e Entry) Ref(now time.Time) exchanges.KeyRef {
	return exchanges.KeyRef{
		SubAccount: e.SubAccount, ID: e.ExchangeKeyID, Label: e.Label,
		Passphrase: exchanges.Secret(e.Passphrase), Token: exchanges.Secret(e.Token),
		Age: now.Sub(later(e.Created, e.Unseen)), Unseen: !e.Unseen.IsZero(),
	}
}
