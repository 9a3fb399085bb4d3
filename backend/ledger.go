package backend

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"vault-plugin-secrets-exchange/exchanges"
)

// state is where a key stands in its life.
type state string

const (
	// statePending: about to be created, or created and not yet whole or
	// accepted, or created with the answer lost.
	statePending state = "pending"
	// stateLive: the exchange confirmed it and the caller has it.
	stateLive state = "live"
	// stateRevoking: deletion is wanted and not yet confirmed.
	stateRevoking state = "revoking"
)

// keyEntry is one key in the ledger: everything that is needed to find it,
// account for it and delete it, and nothing more. Nothing in it lets anybody use
// the key, but for the token of a bearer key, which only the token itself can
// delete.
type keyEntry struct {
	ID         string `json:"id"`
	State      state  `json:"state"`
	Connection string `json:"connection"`
	Exchange   string `json:"exchange"`
	SubAccount string `json:"sub_account"`
	// ExchangeKeyID is the exchange's name of the key; empty while it is not
	// known.
	ExchangeKeyID string `json:"exchange_key_id"`
	// APIKey is the public part of the key, by which the exchange's own log
	// names it; most often it is ExchangeKeyID.
	APIKey      string            `json:"api_key"`
	Label       string            `json:"label"`
	Role        string            `json:"role"`
	Scopes      exchanges.Scopes  `json:"scopes"`
	Permissions []string          `json:"permissions"`
	Risk        exchanges.Risk    `json:"risk"`
	Addresses   []string          `json:"addresses"`
	KeyType     exchanges.KeyType `json:"key_type"`
	PublicKey   string            `json:"public_key,omitempty"`
	// Passphrase is kept only where the exchange needs it to delete the key.
	Passphrase string `json:"passphrase,omitempty"`
	// Token is kept for keys of type bearer.
	Token     string    `json:"token,omitempty"`
	Requester requester `json:"requester"`
	Created   time.Time `json:"created"`
	// Expires is when the lease ends unless renewed; HardLimit is when it
	// ends in any case.
	Expires   time.Time `json:"expires"`
	HardLimit time.Time `json:"hard_limit"`
	// Revoking is when deletion was first wanted.
	Revoking time.Time `json:"revoking,omitzero"`
	// Attempts at deletion that failed, with the last failure and the time
	// of the next try.
	Attempts  int       `json:"attempts"`
	LastError string    `json:"last_error,omitempty"`
	NextTry   time.Time `json:"next_try,omitzero"`
}

// requester is who asked for a key.
type requester struct {
	EntityID    string `json:"entity_id"`
	DisplayName string `json:"display_name"`
	Address     string `json:"address"`
	Reason      string `json:"reason"`
}

// ref names the key to its exchange.
func (e keyEntry) ref() exchanges.KeyRef {
	return exchanges.KeyRef{
		SubAccount: e.SubAccount, ID: e.ExchangeKeyID, Label: e.Label,
		Passphrase: exchanges.Secret(e.Passphrase), Token: exchanges.Secret(e.Token),
	}
}

// wantedGone is since when the key is to be deleted, if it is not live.
func (e keyEntry) wantedGone() time.Time {
	if e.State == statePending {
		return e.Created.Add(pendingGrace)
	}
	return e.Revoking
}

// ledger is the durable record of every key, with an index in memory that
// answers how many keys there are where and which are due, without storage.
// The index is loaded whole on first use and follows every write.
type ledger struct {
	index index
}

// get returns the entry, or nil if there is none.
func (l *ledger) get(ctx context.Context, s logical.Storage, id string) (*keyEntry, error) {
	return ledgerTable().get(ctx, s, id)
}

// put writes the entry and then the index.
func (l *ledger) put(ctx context.Context, s logical.Storage, entry keyEntry) error {
	if err := ledgerTable().put(ctx, s, entry.ID, entry); err != nil {
		return err
	}
	l.index.set(entry)
	return nil
}

// remove forgets the key. Only what the exchange confirmed gone, or surely
// never made, may be removed.
func (l *ledger) remove(ctx context.Context, s logical.Storage, id string) error {
	if err := ledgerTable().delete(ctx, s, id); err != nil {
		return err
	}
	l.index.remove(id)
	return nil
}

// load fills the index from storage, unless it is filled already.
func (l *ledger) load(ctx context.Context, s logical.Storage) error {
	if l.index.loaded() {
		return nil
	}
	epoch := l.index.epoch()
	ids, err := ledgerTable().list(ctx, s)
	if err != nil {
		return err
	}
	entries := make([]keyEntry, 0, len(ids))
	for _, id := range ids {
		entry, err := ledgerTable().get(ctx, s, id)
		if err != nil {
			return fmt.Errorf("loading the ledger: %w", err)
		}
		if entry != nil {
			entries = append(entries, *entry)
		}
	}
	l.index.fill(epoch, entries)
	return nil
}
