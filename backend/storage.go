package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// Storage prefixes. The root credentials and the ledger are seal-wrapped.
const (
	connectionPrefix = "config/"
	rolePrefix       = "role/"
	ledgerPrefix     = "key/"
)

// schemaVersion is written with every entry. An entry with a newer one was
// written by a newer plugin and is not touched.
const schemaVersion = 1

// table is one kind of entry in storage, by name.
type table[T any] struct{ prefix string }

func connectionTable() table[connection] { return table[connection]{connectionPrefix} }
func roleTable() table[role]             { return table[role]{rolePrefix} }
func ledgerTable() table[keyEntry]       { return table[keyEntry]{ledgerPrefix} }

// stored is an entry as it lies in storage.
type stored[T any] struct {
	Schema int `json:"schema"`
	Entry  T   `json:"entry"`
}

// get returns the entry, or nil if there is none.
func (t table[T]) get(ctx context.Context, s logical.Storage, name string) (*T, error) {
	raw, err := s.Get(ctx, t.prefix+name)
	if err != nil {
		return nil, fmt.Errorf("reading %s%s: %w", t.prefix, name, err)
	}
	if raw == nil {
		return nil, nil
	}
	var found stored[T]
	if err := json.Unmarshal(raw.Value, &found); err != nil {
		// The decoder's text can quote the entry, so it is left out.
		return nil, fmt.Errorf("reading %s%s: the entry is damaged", t.prefix, name)
	}
	if found.Schema > schemaVersion {
		return nil, fmt.Errorf("reading %s%s: written by a newer version of this plugin; upgrade it", t.prefix, name)
	}
	return &found.Entry, nil
}

func (t table[T]) put(ctx context.Context, s logical.Storage, name string, entry T) error {
	value, err := json.Marshal(stored[T]{Schema: schemaVersion, Entry: entry})
	if err != nil {
		return fmt.Errorf("writing %s%s: %w", t.prefix, name, err)
	}
	if err := s.Put(ctx, &logical.StorageEntry{Key: t.prefix + name, Value: value}); err != nil {
		return writeError("writing", t.prefix+name, err)
	}
	return nil
}

func (t table[T]) delete(ctx context.Context, s logical.Storage, name string) error {
	if err := s.Delete(ctx, t.prefix+name); err != nil {
		return writeError("deleting", t.prefix+name, err)
	}
	return nil
}

// list returns the names in order.
func (t table[T]) list(ctx context.Context, s logical.Storage) ([]string, error) {
	names, err := s.List(ctx, t.prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", t.prefix, err)
	}
	slices.Sort(names)
	return names, nil
}

// writeError gives logical.ErrReadOnly its identity back, which an error loses
// on its way from Vault to a plugin: Vault forwards the request to a node that
// may write only if it gets the sentinel itself.
func writeError(doing, key string, err error) error {
	if strings.Contains(err.Error(), logical.ErrReadOnly.Error()) {
		return logical.ErrReadOnly
	}
	return fmt.Errorf("%s %s: %w", doing, key, err)
}
