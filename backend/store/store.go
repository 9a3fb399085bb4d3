// Package store is typed storage: the entries of one kind, by name, under one
// prefix of the mount's storage.
//
// It knows how an entry is encoded and nothing of what it means. Start reading at
// [Table]. What is read, changed and written back goes through [Table.Update];
// a plain [Table.Put] is for callers that keep others away by themselves. What is read at
// each request is kept in memory, see [Table.Keeping].
package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/helper/locksutil"
	"github.com/hashicorp/vault/sdk/logical"
)

// Schema is written with every entry. An entry with a higher one was written by a
// newer version of the plugin and is not touched.
const Schema = 1

// Table is the entries of one kind. Its methods may be called concurrently.
type Table[T any] struct {
	prefix  string
	changed func(name string)
	locks   []*locksutil.LockEntry
	kept    *cache[T]
}

// New returns the table of the entries under the prefix. Changed, if not nil, is
// told of each entry that was written or deleted, whether or not that succeeded,
// so that what is kept of it in memory can be dropped.
func New[T any](prefix string, changed func(name string)) *Table[T] {
	if changed == nil {
		changed = func(string) {}
	}
	return &Table[T]{prefix: prefix, changed: changed, locks: locksutil.CreateLocks()}
}

// Keeping has the table keep the entries that were used last in memory, at most so many,
// and returns it. What [Table.Get] returns is then shared by its callers: fields may be
// replaced, but what they point to must not be changed. Entries that another node writes
// must be told to [Table.Invalidate].
func (t *Table[T]) Keeping(most int) *Table[T] {
	t.kept = newCache[T](most)
	return t
}

// Invalidate drops what is kept of an entry, named by its key in storage, after another
// node has written it. It reports whether the key is one of the table's.
func (t *Table[T]) Invalidate(key string) bool {
	name, mine := strings.CutPrefix(key, t.prefix)
	if mine {
		t.kept.drop(name)
		t.changed(name)
	}
	return mine
}

// UnreadableError says that an entry is there and cannot be read: it is damaged, or
// was written by a newer version of the plugin. Reading it again changes nothing.
type UnreadableError struct{ Key, Why string }

func (e *UnreadableError) Error() string { return "reading " + e.Key + ": " + e.Why }

// record is an entry as it lies in storage.
type record[T any] struct {
	Schema int `json:"schema"`
	Entry  T   `json:"entry"`
}

// Get returns the entry, or nil if there is none. An entry that cannot be read is an
// [UnreadableError].
func (t *Table[T]) Get(ctx context.Context, s logical.Storage, name string) (*T, error) {
	value, entry := t.kept.get(name)
	if value == nil {
		var err error
		if value, err = t.read(ctx, s, name); err != nil || value == nil {
			return nil, err
		}
	}
	if entry == nil {
		var err error
		if entry, err = t.decode(name, value); err != nil {
			return nil, err
		}
		t.kept.decoded(name, value, entry)
	}
	own := *entry
	return &own, nil
}

// read reads an entry from storage; nil if there is none.
func (t *Table[T]) read(ctx context.Context, s logical.Storage, name string) ([]byte, error) {
	reading := t.kept.read(name)
	raw, err := s.Get(ctx, t.prefix+name)
	if err != nil || raw == nil {
		t.kept.put(name, reading, nil)
		if err != nil {
			err = fmt.Errorf("reading %s%s: %w", t.prefix, name, err)
		}
		return nil, err
	}
	value := append([]byte{}, raw.Value...) // Never nil.
	t.kept.put(name, reading, value)
	return value, nil
}

func (t *Table[T]) decode(name string, value []byte) (*T, error) {
	var found record[T]
	if err := json.Unmarshal(value, &found); err != nil {
		// The decoder's text can quote the entry, so it is left out.
		return nil, &UnreadableError{t.prefix + name, "the entry is damaged"}
	}
	if found.Schema > Schema {
		return nil, &UnreadableError{t.prefix + name, "written by a newer version of this plugin; upgrade it"}
	}
	return &found.Entry, nil
}

// Put writes the entry, whatever was there.
func (t *Table[T]) Put(ctx context.Context, s logical.Storage, name string, entry T) error {
	value, err := json.Marshal(record[T]{Schema: Schema, Entry: entry})
	if err != nil {
		return fmt.Errorf("writing %s%s: %w", t.prefix, name, err)
	}
	defer t.changed(name)
	writing := t.kept.write(name)
	if err := s.Put(ctx, &logical.StorageEntry{Key: t.prefix + name, Value: value}); err != nil {
		t.kept.put(name, writing, nil) // It may have been written all the same.
		return writeError("writing", t.prefix+name, err)
	}
	t.kept.put(name, writing, value)
	return nil
}

// Update reads the entry (nil if there is none), asks change for what is to stand
// in its place, and writes that; nothing is written if change returns nil or an
// error. Updates of one entry come one after another, so that none is lost. Change
// must be quick: it makes no call over the network.
func (t *Table[T]) Update(ctx context.Context, s logical.Storage, name string, change func(*T) (*T, error)) error {
	lock := locksutil.LockForKey(t.locks, name)
	lock.Lock()
	defer lock.Unlock()
	old, err := t.stored(ctx, s, name)
	if err != nil {
		return err
	}
	entry, err := change(old)
	if err != nil || entry == nil {
		return err
	}
	return t.Put(ctx, s, name, *entry)
}

// stored reads the entry from storage, whatever is kept of it.
func (t *Table[T]) stored(ctx context.Context, s logical.Storage, name string) (*T, error) {
	t.kept.drop(name)
	return t.Get(ctx, s, name)
}

// Delete removes the entry, if there is one.
func (t *Table[T]) Delete(ctx context.Context, s logical.Storage, name string) error {
	lock := locksutil.LockForKey(t.locks, name)
	lock.Lock()
	defer lock.Unlock()
	defer t.changed(name)
	deleting := t.kept.write(name)
	defer t.kept.put(name, deleting, nil)
	if err := s.Delete(ctx, t.prefix+name); err != nil {
		return writeError("deleting", t.prefix+name, err)
	}
	return nil
}

// List returns the names of the entries in order.
func (t *Table[T]) List(ctx context.Context, s logical.Storage) ([]string, error) {
	names, err := s.List(ctx, t.prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", t.prefix, err)
	}
	slices.Sort(names)
	return names, nil
}

// writeError gives logical.ErrReadOnly its identity back, which an error loses on
// its way from Vault to a plugin: Vault forwards the request to a node that may
// write only if it gets the sentinel itself.
func writeError(doing, key string, err error) error {
	if strings.Contains(err.Error(), logical.ErrReadOnly.Error()) {
		return logical.ErrReadOnly
	}
	return fmt.Errorf("%s %s: %w", doing, key, err)
}
