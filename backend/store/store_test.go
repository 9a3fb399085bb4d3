package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"vault-plugin-secrets-exchange/backend/store"
)

type counter struct{ N int }

func TestTable(t *testing.T) {
	var changed []string
	table := store.New[counter]("counter/", func(name string) { changed = append(changed, name) })
	storage := &logical.InmemStorage{}
	found, err := table.Get(t.Context(), storage, "a")
	require.NoError(t, err)
	require.Nil(t, found)

	require.NoError(t, table.Put(t.Context(), storage, "b", counter{2}))
	require.NoError(t, table.Put(t.Context(), storage, "a", counter{1}))
	found, err = table.Get(t.Context(), storage, "a")
	require.NoError(t, err)
	require.Equal(t, counter{1}, *found)
	names, err := table.List(t.Context(), storage)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, names)
	require.NoError(t, table.Delete(t.Context(), storage, "a"))
	found, err = table.Get(t.Context(), storage, "a")
	require.NoError(t, err)
	require.Nil(t, found)
	require.Equal(t, []string{"b", "a", "a"}, changed)
}

func TestUpdate(t *testing.T) {
	table, storage := store.New[counter]("counter/", nil), &logical.InmemStorage{}
	refused := errors.New("refused")
	for name, step := range map[string]struct {
		change func(*counter) (*counter, error)
		want   error
	}{
		"nothing to write": {func(*counter) (*counter, error) { return nil, nil }, nil},
		"refused":          {func(*counter) (*counter, error) { return &counter{9}, refused }, refused},
	} {
		require.ErrorIs(t, table.Update(t.Context(), storage, "a", step.change), step.want, name)
		found, err := table.Get(t.Context(), storage, "a")
		require.NoError(t, err)
		require.Nil(t, found, name)
	}
}

// TestNoUpdateIsLost: those who change the same entry at the same time build on
// each other's work.
func TestNoUpdateIsLost(t *testing.T) {
	const each = 50
	table, storage := store.New[counter]("counter/", nil), &logical.InmemStorage{}
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for range each {
				_ = table.Update(context.Background(), storage, fmt.Sprint(i%2), func(now *counter) (*counter, error) {
					if now == nil {
						now = &counter{}
					}
					now.N++
					return now, nil
				})
			}
		})
	}
	work.Wait()
	for _, name := range []string{"0", "1"} {
		found, err := table.Get(t.Context(), storage, name)
		require.NoError(t, err)
		require.Equal(t, 2*each, found.N)
	}
}

func TestWhatCannotBeReadIsNotTouched(t *testing.T) {
	table, storage := store.New[counter]("counter/", nil), &logical.InmemStorage{}
	entry, err := logical.StorageEntryJSON("counter/future", map[string]any{"schema": store.Schema + 1, "entry": map[string]any{}})
	require.NoError(t, err)
	require.NoError(t, storage.Put(t.Context(), entry))
	require.NoError(t, storage.Put(t.Context(), &logical.StorageEntry{Key: "counter/broken", Value: []byte("canary{")}))
	for name, words := range map[string]string{"future": "newer version", "broken": "damaged"} {
		err := table.Update(t.Context(), storage, name, func(*counter) (*counter, error) {
			require.Fail(t, "an entry that cannot be read was to be changed")
			return nil, nil
		})
		require.ErrorContains(t, err, words)
		require.NotContains(t, err.Error(), "canary")
	}
}

// readOnly fails as Vault's storage does over the plugin's border: with the text of
// the error and without its identity.
type readOnly struct{ logical.InmemStorage }

func (*readOnly) Put(context.Context, *logical.StorageEntry) error {
	return errors.New("rpc error: " + logical.ErrReadOnly.Error())
}

func (*readOnly) Delete(context.Context, string) error {
	return errors.New("rpc error: " + logical.ErrReadOnly.Error())
}

// TestAReadOnlyNodeForwards: only the bare sentinel makes Vault forward a request.
func TestAReadOnlyNodeForwards(t *testing.T) {
	table, storage := store.New[counter]("counter/", nil), &readOnly{}
	require.Equal(t, logical.ErrReadOnly, table.Put(t.Context(), storage, "a", counter{}))
	require.Equal(t, logical.ErrReadOnly, table.Delete(t.Context(), storage, "a"))
}
